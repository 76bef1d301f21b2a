"""The budgets that a project declares, and whether each differential mart has one that fits.

In dbt_project.yml, and nowhere else::

    vars:
      "veil:budgets":
        visitors: {unit: visitor, epsilon: 3, delta: 1e-6, window: lifetime}

`unit` is the linkage domain of the pseudonym that stands for the unit. What a budget is about are
the columns of seeds and sources that this pseudonym is made of, and the relations that hold them;
its name decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veil.audit.fields import NAME
from veil.differential.budgets import Budget, read_budget
from veil.differential.measures import Measure
from veil.errors import VeilError
from veil.policy.graph import Graph, Node
from veil.policy.origins import Origins
from veil.policy.rules import refuse
from veil.policy.rules.common import title
from veil.policy.rules.units import personal_sources, pseudonyms_of, unit_domain

VARIABLE = "veil:budgets"
_OWN = ("unit", "within", "sources", "beside")
_EXAMPLE = "Write `{unit: <privacy_domain>, epsilon: 1, delta: 1e-6, window: lifetime}`."


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetDeclared:
    """A budget as dbt_project.yml declares it.

    Attributes:
        name: for people; it decides nothing.
        unit: linkage domain of the pseudonym that stands for the privacy unit.
        within: the partition key within which the unit is counted, `day` for a person-day.
        unit_columns: the columns of seeds and sources that the pseudonym is made of, each as the
            dbt unique id of its relation, a dot and its lower-case name.
        sources: dbt unique ids of the seeds and sources that the budget is about.
        budget: the limits.
        beside: another unit has a budget over these sources, and both are meant.
    """

    name: str
    unit: str
    unit_columns: frozenset[str]
    sources: frozenset[str]
    budget: Budget
    within: str = ""
    beside: bool = False

    def counts(self, unit: str, columns: frozenset[str], sources: frozenset[str]) -> bool:
        """Whether a release of that unit over those sources counts for this budget."""
        same = self.unit == unit or not self.unit_columns.isdisjoint(columns)
        return same and not self.sources.isdisjoint(sources)


def declared_budgets(config: Mapping[str, Any]) -> Any:
    """What dbt_project.yml says of budgets; an empty mapping where it says nothing."""
    variables = config.get("vars")
    found = variables.get(VARIABLE) if isinstance(variables, Mapping) else None
    return {} if found is None else found


def read_budgets(graph: Graph, declared: Mapping[str, Any]) -> list[BudgetDeclared]:
    """The budgets in the order of their names.

    Args:
        graph: dbt's graph.
        declared: `veil:budgets` of dbt_project.yml.

    Raises:
        VeilError: what is wrong with the first one that cannot be read, with the way out.
    """
    origins = Origins(graph)
    return [_read(graph, origins, name, declared[name]) for name in _names(declared)]


def unit_of(
    graph: Graph, mart: Node, *, origins: Origins | None = None
) -> tuple[str, frozenset[str]]:
    """A mart's privacy unit: its linkage domain, and the columns that it is made of (see
    `BudgetDeclared.unit_columns`), as far as the mart stands on them.

    Raises:
        VeilError: `privacy_unit` is no pseudonym of one domain, or a column cannot be followed.
    """
    domain = unit_domain(graph, mart)
    origins = origins or Origins(graph)
    below = (origins.of_pseudonyms(node, domain) for node in graph.ancestors(mart))
    return domain, frozenset[str]().union(*below)


def sources_of(graph: Graph, mart: Node) -> frozenset[str]:
    """Unique ids of the seeds and sources with personal data under a mart."""
    return personal_sources(graph, mart)


def check_budgets(graph: Graph, config: Mapping[str, Any]) -> None:
    """Refuse a run in which a budget, or what a differential mart does with it, does not hold.

    Args:
        graph: dbt's graph.
        config: dbt_project.yml.

    Raises:
        VeilError: the refusals, one a line.
    """
    refuse(list(budget_problems(graph, config)))


def budget_problems(graph: Graph, config: Mapping[str, Any]) -> Iterator[str]:
    """What `check_budgets` refuses, one line each."""
    declared = declared_budgets(config)
    budgets: list[BudgetDeclared] = []
    origins = Origins(graph)
    try:
        names = _names(declared)
    except VeilError as error:
        yield str(error)
        return
    unread = []
    for name in names:
        try:
            budgets.append(_read(graph, origins, name, declared[name]))
        except VeilError as error:
            unread.append(name)
            yield str(error)
    for mart in graph.marts:
        if mart.is_differential and mart.meta.get("privacy_budget") not in unread:
            yield from _mart_problems(graph, origins, mart, budgets)


def _mart_problems(
    graph: Graph, origins: Origins, mart: Node, budgets: Iterable[BudgetDeclared]
) -> Iterator[str]:
    where, name = title(mart), mart.meta.get("privacy_budget")
    known = {one.name: one for one in budgets}
    own = known.get(name) if isinstance(name, str) else None
    if own is None:
        yield (
            f"{where} has no `privacy_budget` that is declared. Declare it under `vars:` in"
            f' dbt_project.yml, as `"{VARIABLE}"`'
            + (f", or name one that is: {', '.join(sorted(known))}." if known else ".")
        )
        return
    try:
        domain, columns = unit_of(graph, mart, origins=origins)
    except VeilError as error:
        yield str(error)
        return
    if domain != own.unit:
        yield (
            f"{where} has a `privacy_unit` of the linkage domain `{domain}`, but the budget"
            f" `{own.name}` is that of `{own.unit}`. Name a budget of its own unit."
        )
        return
    if str(mart.meta.get("privacy_unit_within") or "") != own.within:
        yield (
            f"{where} and the budget `{own.name}` count another unit: one has a `within`, the other"
            " not, or another one. A budget of person-days pays for marts with that"
            " `privacy_unit_within` alone, and no other budget does."
        )
        return
    sources = sources_of(graph, mart)
    for unique_id in sorted(sources - own.sources):
        yield (
            f"{where} reads personal data of {title(graph.node(unique_id))}, which the budget"
            f" `{own.name}` is not about. Add `{unique_id}` to its `sources`, with all others that"
            " it is about."
        )
    for one in known.values():
        if one.counts(domain, columns, sources):
            yield from _measure_problems(where, mart, one)


def _measure_problems(where: str, mart: Node, one: BudgetDeclared) -> Iterator[str]:
    if mart.meta.get("rho") is not None and one.budget.measure is Measure.EPSILON:
        yield (
            f"{where} declares its cost in `rho`, which counts for the budget `{one.name}` in"
            " `epsilon`, and no charge in rho enters it. Use `noise_kind: laplace` with an"
            " `epsilon`, or declare the budget in `rho`."
        )
    if mart.meta.get("delta") is not None and one.budget.delta == 0:
        yield (
            f"{where} selects its partitions with a `delta`, which counts for the budget"
            f" `{one.name}`, and that has none. Declare a `delta` for it, or list the mart's"
            " partitions in `public_partitions`."
        )


def _names(declared: Any) -> list[str]:
    if not isinstance(declared, Mapping):
        raise VeilError(
            f"dbt_project.yml: the variable `{VARIABLE}` is no mapping.",
            remedy=f"Give each budget a name. {_EXAMPLE}",
        )
    for name, one in declared.items():
        if not NAME.fits(name) or not isinstance(one, Mapping):
            raise VeilError(
                f"dbt_project.yml: `{VARIABLE}` holds something that is no budget under a plain"
                " name.",
                remedy=_EXAMPLE,
            )
    return sorted(declared)


def _read(graph: Graph, origins: Origins, name: str, declared: Mapping[str, Any]) -> BudgetDeclared:
    where = f"budget `{name}`"
    unit, beside = declared.get("unit"), declared.get("beside", False)
    if not NAME.fits(unit):
        raise VeilError(
            f"{where} has no `unit`.",
            remedy="Name the `privacy_domain` of the pseudonym that stands for the privacy unit.",
        )
    if not isinstance(beside, bool):
        raise VeilError(f"{where} has a `beside` that is neither true nor false.", remedy=_EXAMPLE)
    within = declared.get("within", "")
    if within and not NAME.fits(within):
        raise VeilError(
            f"{where} has a `within` that is no name.",
            remedy="Name the key of days in `privacy_unit_within` of its marts, or take it out.",
        )
    limits = {key: value for key, value in declared.items() if key not in _OWN}
    budget = read_budget(limits, name=name)
    columns = _columns(graph, origins, str(unit))
    if not columns:
        raise VeilError(
            f"{where} has the unit `{unit}`, but no pseudonym of the project has that"
            " `privacy_domain`.",
            remedy="Name the domain as a pseudonymized model does, or take the budget out.",
        )
    _one_thing(graph, where, str(unit), columns)
    sources = frozenset(one.rpartition(".")[0] for one in columns)
    if "sources" in declared:
        sources = _sources(graph, where, declared["sources"])
    return BudgetDeclared(
        name=name,
        unit=str(unit),
        unit_columns=columns,
        sources=sources,
        budget=budget,
        within=str(within),
        beside=beside,
    )


def _one_thing(graph: Graph, where: str, unit: str, columns: frozenset[str]) -> None:
    """Refuse a domain in which a person has two pseudonyms, or something else has one.

    Raises:
        VeilError: two columns of one relation, or columns of different kinds.
    """
    relations = [one.rpartition(".")[0] for one in sorted(columns)]
    for unique_id in relations:
        if relations.count(unique_id) > 1:
            raise VeilError(
                f"{where} has the unit `{unit}`, but its pseudonyms are made of two columns of"
                f" {title(graph.node(unique_id))}: one of them is not the unit, or a row belongs to"
                " two.",
                remedy="Give the pseudonyms of the other column a `privacy_domain` of their own.",
            )
    kinds = {
        str(column.meta.get("privacy_type"))
        for one in columns
        for unique_id, _, name in [one.rpartition(".")]
        for column in graph.node(unique_id).columns.values()
        if column.name.lower() == name.lower()
    }
    if len(kinds) > 1:
        raise VeilError(
            f"{where} has the unit `{unit}`, but its pseudonyms are made of columns of several"
            f" kinds: {', '.join(f'`{one}`' for one in sorted(kinds))}.",
            remedy="Give what is not the unit a `privacy_domain` of its own, or correct the"
            " `privacy_type`.",
        )


def _columns(graph: Graph, origins: Origins, domain: str) -> frozenset[str]:
    of_domain = (
        node for node in graph if domain in {one for one, _ in pseudonyms_of(node).values()}
    )
    return frozenset[str]().union(*(origins.of_pseudonyms(one, domain) for one in of_domain))


def _sources(graph: Graph, where: str, declared: Any) -> frozenset[str]:
    """The seeds and sources of a list, each by its unique id, its name, or `source.table`."""
    if not isinstance(declared, list) or not declared:
        raise VeilError(
            f"{where} has `sources` that are no list.",
            remedy="List seeds and sources, or leave it out: then it is about all that hold the"
            " unit.",
        )
    bases = [one for one in graph if one.kind in {"seed", "source"}]
    found = set()
    for number, wanted in enumerate(declared, start=1):
        exact = {one.unique_id for one in bases if one.unique_id == wanted}
        fits = exact or {one.unique_id for one in bases if wanted in _called(one)}
        if len(fits) != 1:
            problem = "several that have one name" if fits else "none that the project has"
            raise VeilError(
                f"{where} has a `sources` whose number {number} is {problem}.",
                remedy="Name a seed or source by its dbt unique id, as `dbt ls --output json`"
                " shows it.",
            )
        found |= fits
    return frozenset(found)


def _called(node: Node) -> tuple[str, str]:
    return node.name, f"{node.raw.get('source_name', '')}.{node.name}"
