"""Rules about layers: what a node may read, where it is built, how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from veil.policy.graph import Graph, Node
from veil.policy.rules.common import CLASSES, Rule, is_personal, parents, title

JINJA_ASIDE = re.compile(r"\{#.*?#\}", re.DOTALL)
"""What may stand beside the one call of a pseudonymized model: a comment."""
REF = r"ref\(\s*(?:'[^'{}]*'|\"[^\"{}]*\")\s*(?:,\s*(?:'[^'{}]*'|\"[^\"{}]*\")\s*)?\)"
ONE_CALL = re.compile(
    rf"\{{\{{-?\s*veil\.pseudonymize\(\s*{REF}\s*"
    rf"(?:,\s*(?:hierarchies\s*=\s*)?\[\s*(?:{REF}\s*,?\s*)*\]\s*)?\)\s*-?\}}\}}"
)
"""The call with its literal arguments: no operator, filter or further text."""
PRINTING_CONSTRAINTS = {"primary_key", "unique", "foreign_key"}
"""DuckDB prints the offending value of these."""
DEMO = "veil"
"""The package whose seeds may identify: they are simulated, and docs/limitations.md says so."""


def is_one_call(node: Node) -> bool:
    """Whether its SQL is the one call of `veil.pseudonymize`, and nothing else."""
    return ONE_CALL.fullmatch(JINJA_ASIDE.sub("", node.code).strip()) is not None


def columns_are_classified(graph: Graph, node: Node) -> Iterator[str]:
    if not node.is_classified or node.is_pseudonymized:
        return
    for column in node.columns.values():
        where = f"{title(node)} column `{column.name}`"
        if column.meta.get("privacy_class") not in CLASSES:
            yield f"{where} has no valid `privacy_class`. Classify it: {', '.join(CLASSES)}."
        elif not column.meta.get("privacy_type"):
            yield f"{where} has no `privacy_type`. Say what it is, for example `ssn`."


def parents_fit_the_layer(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind not in {"model", "snapshot"}:
        return
    for parent in parents(graph, node):
        if node.is_classified and not node.is_pseudonymized:
            if parent.kind in {"seed", "source"} and not parent.is_classified:
                yield (
                    f"{title(parent)} is read by `{node.name}` but its columns have no"
                    " `privacy_class`. Classify every column in its YAML."
                )
        elif is_personal(parent) and not node.is_pseudonymized:
            yield (
                f"{title(node)} reads `{parent.name}`, which holds personal data as delivered."
                " Read a pseudonymized model instead, or classify its own columns."
            )


def sql_is_one_call(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind != "model" or not node.is_pseudonymized:
        return
    if not is_one_call(node):
        yield (
            f"{title(node)} has masks in its YAML, but its SQL is not the one call that applies"
            " them. Write `{{ veil.pseudonymize(ref('...')) }}` and nothing else."
        )


def layers_are_apart(graph: Graph, node: Node) -> Iterator[str]:
    if node.is_mart and (node.is_classified or node.is_pseudonymized):
        yield (
            f"{title(node)} has an audience, but also a `privacy_class` or a `privacy_mask`. A"
            " mart has neither: make two models of it."
        )


def zone_fits_the_layer(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind == "source":
        return
    if node.is_mart:
        wanted = "marts"
    elif node.is_pseudonymized:
        wanted = "pseudonymized"
    elif is_personal(node):
        wanted = "identified"
    elif node.kind == "model" and any(
        parent.is_pseudonymized and not parent.is_mart for parent in parents(graph, node)
    ):
        if node.database in {"pseudonymized", "marts"}:
            return
        wanted = "pseudonymized"
    else:
        return
    if node.database != wanted:
        yield (
            f"{title(node)} belongs to the zone `{wanted}` but is built elsewhere. Set"
            f" `+database: {wanted}` on its folder."
        )


def materialization_can_be_gated(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind != "model":
        return
    kind = str(node.config.get("materialized") or "")
    if kind == "external":
        yield f"{title(node)} is `external`: its gate could not roll it back. Use `table`."
    elif kind == "view" and (node.is_pseudonymized or node.is_mart):
        yield f"{title(node)} is a view: nothing of it is ever gated as stored. Use `table`."
    elif node.raw.get("language") == "python":
        yield f"{title(node)} is a Python model, which no gate can follow. Write it in SQL."


def no_unclassified_input(graph: Graph, node: Node) -> Iterator[str]:
    """Whatever a guarded model stands on is classified, over any number of models between."""
    if node.kind == "source" or node.kind == "seed":
        return
    for ancestor in graph.ancestors(node):
        if ancestor.kind in {"seed", "source", "snapshot"} and not ancestor.is_classified:
            yield (
                f"{title(ancestor)} is under `{node.name}` but its columns have no"
                " `privacy_class`. Classify every column in its YAML; `non_sensitive` for public"
                " lists."
            )


def errors_print_no_value(graph: Graph, node: Node) -> Iterator[str]:
    """Typed seeds and key constraints make the database print rows when they fail."""
    if not is_personal(node) and not node.is_pseudonymized:
        return
    if node.kind == "seed":
        types = node.config.get("column_types") or {}
        for column in node.columns.values():
            if str(types.get(column.name, "")).lower() not in {"varchar", "text", "string"}:
                yield (
                    f"{title(node)} column `{column.name}` is loaded with a type of its own, and a"
                    " value that does not fit would be printed with its row. Set it to `varchar` in"
                    " `column_types`, and use `veil.typed` in the raw model."
                )
    constraints = [
        constraint
        for holder in (node.raw, *(node.raw.get("columns") or {}).values())
        for constraint in holder.get("constraints") or ()
    ]
    for constraint in constraints:
        kind = str(getattr(constraint.get("type"), "value", constraint.get("type")))
        if kind in PRINTING_CONSTRAINTS:
            yield (
                f"{title(node)} has a `{kind}` constraint, and DuckDB prints the value that breaks"
                " it. Use a data test such as `unique` instead."
            )
            return


def seeds_identify_nobody(graph: Graph, node: Node) -> Iterator[str]:
    """A seed is versioned with the project, so that git keeps it in clear for good."""
    if node.kind != "seed" or node.raw.get("package_name") == DEMO:
        return
    for column in node.columns.values():
        if column.meta.get("privacy_class") == "direct_identifier":
            yield (
                f"{title(node)} column `{column.name}` is a direct identifier, and git keeps a seed"
                " in clear. Deliver it as a file under data/, ignored by git, and declare a source"
                " with `external_location`."
            )


def schema_is_not_ours(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind != "source" and node.schema == "veil":
        yield f"{title(node)} is built in the schema `veil`, which holds receipts. Choose another."


RULES: tuple[Rule, ...] = (
    columns_are_classified,
    parents_fit_the_layer,
    no_unclassified_input,
    sql_is_one_call,
    layers_are_apart,
    zone_fits_the_layer,
    schema_is_not_ours,
    materialization_can_be_gated,
    errors_print_no_value,
    seeds_identify_nobody,
)
