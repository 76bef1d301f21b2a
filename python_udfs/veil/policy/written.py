"""The SQL of a model as it stands in its file, before dbt compiles it.

Some rules need to know what a query reads before anything is built. The Jinja that a model mostly
holds is filled in here: `ref()`, `source()`, `this`, `config()`, and veil's own calls. Whoever asks
has to have an answer for SQL that holds more than that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined, TemplateError

from veil.errors import VeilError
from veil.jinja import EXTENSIONS, DbtEnvironment
from veil.policy.graph import Graph, Node

_ENVIRONMENT = DbtEnvironment(extensions=EXTENSIONS, undefined=StrictUndefined)
_INCREMENTAL = re.compile(r"\bis_incremental\b")
_OURS = re.compile(r'"veil"\."([^"]+)"\."[^"]+"')
_NEVER_READ = "DBT_ENV_SECRET"


class NotPlainError(VeilError):
    """The SQL holds Jinja that only dbt can fill in."""


@dataclass(frozen=True, slots=True)
class Written:
    """The SQL of a model.

    Attributes:
        sqls: as it is first built, and, where that differs, as it is built over itself. Relations
            have the names that `relation_name` gives.
        partitions: the relation whose rows are a differential mart's partitions.
    """

    sqls: tuple[str, ...]
    partitions: frozenset[str] = frozenset()


@dataclass
class _Calls:
    """What the calls in one model's Jinja mean."""

    graph: Graph
    node: Node
    partitions: set[str] = field(default_factory=set)

    def ref(self, *names: str, **_version: Any) -> str:
        return self._parent(lambda one: one.name == names[-1] and one.kind != "source")

    def source(self, name: str, table: str) -> str:
        return self._parent(lambda one: one.name == table and one.raw.get("source_name") == name)

    def _parent(self, fits: Callable[[Node], bool]) -> str:
        known = [self.graph.node(one) for one in self.node.parents if self.graph.knows(one)]
        found = [one for one in known if fits(one)]
        if len(found) != 1:
            raise LookupError
        return relation_name(found[0])

    def dp_aggregate(self, rows: str, public_partitions: str | None = None) -> str:
        if public_partitions is not None:
            self.partitions.add(unique_id_of(public_partitions))
        return " ".join(("select * from", rows))


def relation_name(node: Node) -> str:
    """A three-part name for a node: its dbt unique id, and the identifier that SQL calls it by."""
    return f'"veil"."{node.unique_id}"."{node.identifier}"'


def unique_id_of(relation: str) -> str:
    """The dbt unique id in a name that `relation_name` made; empty for any other text."""
    found = _OURS.fullmatch(relation.strip())
    return found[1] if found is not None else ""


def written(graph: Graph, node: Node) -> Written:
    """The SQL of a model or snapshot.

    Raises:
        NotPlainError: it cannot be filled in without dbt.
    """
    calls = _Calls(graph, node)
    try:
        template = _ENVIRONMENT.from_string(node.code)
        sqls = [template.render(_context(calls, is_incremental=False))]
        if _INCREMENTAL.search(node.code):
            sqls.append(template.render(_context(calls, is_incremental=True)))
    except (
        TemplateError, RecursionError, ArithmeticError, AttributeError, LookupError, TypeError,
        ValueError,
    ):  # fmt: skip
        raise NotPlainError(
            f"{node.kind} `{node.name}` holds Jinja that cannot be followed before it is compiled.",
            remedy="Write its SQL out, with `ref()`, `source()` and veil's macros alone.",
        ) from None
    return Written(tuple(dict.fromkeys(sqls)), frozenset(calls.partitions))


def _context(calls: _Calls, *, is_incremental: bool) -> dict[str, Any]:
    return {
        "ref": calls.ref,
        "source": calls.source,
        "this": relation_name(calls.node),
        "config": lambda *_args, **_settings: "",
        "execute": True,
        "is_incremental": lambda: is_incremental,
        "env_var": _env_var,
        "var": _var,
        "veil": SimpleNamespace(
            typed=_typed,
            suppress_small=_suppress_small,
            dp_aggregate=calls.dp_aggregate,
            pseudonymize=lambda source, hierarchies=None: " ".join(("select * from", source)),
        ),
    }


def _env_var(name: str, default: str | None = None) -> str:
    if name.startswith(_NEVER_READ):
        raise LookupError
    found = os.environ.get(name, default)
    if found is None:
        raise LookupError
    return found


def _var(name: str, default: Any = None) -> Any:
    if default is None:
        raise LookupError
    return default


def _typed(column: str, data_type: str, unfit: str = "refuse") -> str:
    return f"try_cast({column} as {data_type})"


def _suppress_small(
    expression: str, unit: Any = None, threshold: Any = None, where: str | None = None
) -> str:
    """What is shown where the cell is large enough; the guard itself shows nothing."""
    return f"{expression} filter (where {where})" if where else expression
