"""The rules that a project must keep before anything is built: layers, classes, promises, gates.

Each rule is a generator of refusals over one node. A refusal names the node, the column where there
is one, and the remedy.
"""

from __future__ import annotations

from veil.errors import VeilError
from veil.policy.graph import Graph, Node
from veil.policy.rules import differential, exact, exceptions, layers, plain, promises

RULES = (
    *promises.RULES, *differential.RULES, *exact.RULES, *layers.RULES, *exceptions.RULES,
    *plain.RULES,
)  # fmt: skip
ALWAYS = (*differential.ALWAYS, *plain.RULES)
"""Asked of every node: all models share the connection and the ledger, and a name is a name."""
SHOWN = 10
"""So many refusals are printed at once; the rest is counted."""


def refusals(graph: Graph, nodes: list[Node]) -> list[str]:
    """What breaks a rule among `nodes`, in order, each line once."""
    found: dict[str, None] = {}
    for node in nodes:
        for rule in RULES if graph.in_scope(node) else ALWAYS:
            found.update(dict.fromkeys(rule(graph, node)))
    return list(found)


def refuse(found: list[str]) -> None:
    """Stop where anything was found.

    Raises:
        VeilError: the refusals, one a line.
    """
    if not found:
        return
    lines = found[:SHOWN]
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more.")
    raise VeilError("\n  ".join(lines))


def check_project(graph: Graph, *, command: str) -> None:
    """Refuse the run where any node in scope breaks a rule.

    Raises:
        VeilError: the refusals, one a line.
    """
    if command == "clone":
        raise VeilError(
            "`dbt clone` would make views over a protected zone.", remedy="Use `dbt build`."
        )
    refuse(refusals(graph, list(graph)))


def check_node(graph: Graph, node: Node) -> None:
    """The same for one node, just before it is written.

    Raises:
        VeilError: the refusals, one a line.
    """
    refuse(refusals(graph, [node]))
