"""The rules that a project must keep before anything is built: layers, classes, promises, gates.

Each rule is a generator of refusals over one node. A refusal names the node, the column where there
is one, and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from veil.errors import VeilError
from veil.policy.graph import Graph, Node
from veil.policy.settings import LEAST_THRESHOLD

CLASSES = ("direct_identifier", "quasi_identifier", "sensitive", "non_sensitive")
RELEASES = {"suppressed": "no_small_cells"}
"""Kinds of release, and the gate that each needs."""
SHOWN = 10
"""So many refusals are printed at once; the rest is counted."""

JINJA_ASIDE = re.compile(r"\{#.*?#\}|\{\{-?\s*config\([^{}]*\)\s*-?\}\}", re.DOTALL)
"""What may stand beside the one call of a pseudonymized model: a comment, its configuration."""
ONE_CALL = re.compile(r"\{\{-?\s*veil\.pseudonymize\((?:(?!\{\{|\}\}|\{%).)*\)\s*-?\}\}", re.DOTALL)

Rule = Callable[[Graph, Node], Iterator[str]]


def _title(node: Node) -> str:
    return f"{node.kind} `{node.name}`"


def _is_personal(node: Node) -> bool:
    """Whether it holds personal data as delivered: a class above `non_sensitive`."""
    return any(
        column.meta.get("privacy_class", "non_sensitive") != "non_sensitive"
        for column in node.columns.values()
    )


def hooks_are_set(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind != "model":
        return
    for macro, hook in (("check_model", "+pre-hook"), ("gate_model", "+post-hook")):
        if f"veil.{macro}(" not in node.hooks:
            yield (
                f"{_title(node)} is in scope but does not run `veil.{macro}()`. Add"
                f' `{hook}: "{{{{ veil.{macro}() }}}}"` to its folder in dbt_project.yml.'
            )


def columns_are_classified(graph: Graph, node: Node) -> Iterator[str]:
    if not node.is_classified or node.is_pseudonymized:
        return
    for column in node.columns.values():
        where = f"{_title(node)} column `{column.name}`"
        if column.meta.get("privacy_class") not in CLASSES:
            yield f"{where} has no valid `privacy_class`. Classify it: {', '.join(CLASSES)}."
        elif not column.meta.get("privacy_type"):
            yield f"{where} has no `privacy_type`. Say what it is, for example `ssn`."


def parents_fit_the_layer(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind not in {"model", "snapshot"}:
        return
    for parent in _parents(graph, node):
        if node.is_classified and not node.is_pseudonymized:
            if parent.kind in {"seed", "source"} and not parent.is_classified:
                yield (
                    f"{_title(parent)} is read by `{node.name}` but its columns have no"
                    " `privacy_class`. Classify every column in its YAML."
                )
        elif _is_personal(parent) and not node.is_pseudonymized:
            yield (
                f"{_title(node)} reads `{parent.name}`, which holds personal data as delivered."
                " Read a pseudonymized model instead, or classify its own columns."
            )


def sql_is_one_call(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind != "model" or not node.is_pseudonymized:
        return
    sql = JINJA_ASIDE.sub("", str(node.raw.get("raw_code") or "")).strip()
    if not ONE_CALL.fullmatch(sql):
        yield (
            f"{_title(node)} has masks in its YAML, but its SQL is not the one call that applies"
            " them. Write `{{ veil.pseudonymize(ref('...')) }}` and nothing else."
        )


def layers_are_apart(graph: Graph, node: Node) -> Iterator[str]:
    if node.is_mart and (node.is_classified or node.is_pseudonymized):
        yield (
            f"{_title(node)} has an audience, but also a `privacy_class` or a `privacy_mask`. A"
            " mart has neither: make two models of it."
        )


def zone_fits_the_layer(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind == "source":
        return
    if node.is_mart:
        wanted = "marts"
    elif node.is_pseudonymized:
        wanted = "pseudonymized"
    elif _is_personal(node):
        wanted = "identified"
    elif node.kind == "model" and any(
        parent.is_pseudonymized and not parent.is_mart for parent in _parents(graph, node)
    ):
        if node.database in {"pseudonymized", "marts"}:
            return
        wanted = "pseudonymized"
    else:
        return
    if node.database != wanted:
        yield (
            f"{_title(node)} belongs to the zone `{wanted}` but is built elsewhere. Set"
            f" `+database: {wanted}` on its folder."
        )


def materialization_can_be_gated(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind != "model":
        return
    kind = str(node.config.get("materialized") or "")
    if kind == "external":
        yield f"{_title(node)} is `external`: its gate could not roll it back. Use `table`."
    elif kind == "view" and (node.is_pseudonymized or node.is_mart):
        yield f"{_title(node)} is a view: nothing of it is ever gated as stored. Use `table`."
    elif node.raw.get("language") == "python":
        yield f"{_title(node)} is a Python model, which no gate can follow. Write it in SQL."


def promise_is_whole(graph: Graph, node: Node) -> Iterator[str]:
    if not node.is_mart:
        return
    where = _title(node)
    if node.kind != "model":
        yield f"{where} has an audience, but only a model can be gated. Make it a model."
        return
    for key in ("privacy_population", "privacy_release", "privacy_unit"):
        if not node.meta.get(key):
            yield f"{where} has an audience but no `{key}`. Add it to its `config.meta`."
    release = node.meta.get("privacy_release")
    if release and release not in RELEASES:
        yield (
            f"{where} has the unknown `privacy_release` `{release}`. This version knows:"
            f" {', '.join(RELEASES)}."
        )
    threshold = node.meta.get("privacy_threshold")
    whole = isinstance(threshold, int) and not isinstance(threshold, bool)
    if threshold is not None and not (whole and threshold >= LEAST_THRESHOLD):
        yield (
            f"{where} has no usable `privacy_threshold`."
            f" It is a whole number from {LEAST_THRESHOLD}."
        )
    gates = {test["test_metadata"]["name"] for test in graph.gates(node)}
    gate = RELEASES.get(str(release))
    if gate and gate not in gates:
        yield (
            f"{where} promises `{release}` but lacks its gate."
            f" Add `veil.{gate}` to its `data_tests`."
        )
    if not node.config.get("contract", {}).get("enforced"):
        yield f"{where} has no enforced contract. Add `contract: {{enforced: true}}` to its config."


def gates_are_whole(graph: Graph, node: Node) -> Iterator[str]:
    for test in graph.gates(node):
        config = test.get("config") or {}
        weak = [key for key in ("where", "limit") if config.get(key) is not None]
        if str(config.get("severity", "ERROR")).upper() != "ERROR":
            weak.append("severity")
        if str(config.get("error_if", "!= 0")) != "!= 0":
            weak.append("error_if")
        if config.get("store_failures"):
            weak.append("store_failures")
        if weak:
            yield (
                f"{_title(node)} weakens its gate `{test['test_metadata']['name']}` by"
                f" `{weak[0]}`. Take it out."
            )


RULES: tuple[Rule, ...] = (
    hooks_are_set,
    columns_are_classified,
    parents_fit_the_layer,
    sql_is_one_call,
    layers_are_apart,
    zone_fits_the_layer,
    materialization_can_be_gated,
    promise_is_whole,
    gates_are_whole,
)


def _parents(graph: Graph, node: Node) -> list[Node]:
    known = {one.unique_id: one for one in graph.ancestors(node)}
    return [known[unique_id] for unique_id in node.parents if unique_id in known]


def refusals(graph: Graph, nodes: list[Node]) -> list[str]:
    """What breaks a rule among `nodes`, in order, each line once."""
    found: dict[str, None] = {}
    for node in nodes:
        if graph.in_scope(node):
            for rule in RULES:
                found.update(dict.fromkeys(rule(graph, node)))
    return list(found)


def _raise(found: list[str]) -> None:
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
    _raise(refusals(graph, list(graph)))


def check_node(graph: Graph, node: Node) -> None:
    """The same for one node, just before it is written.

    Raises:
        VeilError: the refusals, one a line.
    """
    _raise(refusals(graph, [node]))
