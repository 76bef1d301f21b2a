"""Rules about exceptions from rules: waivers, and options that switch a protection off."""

from __future__ import annotations

from collections.abc import Iterator

from veil.lineage import Rule as LineageRule
from veil.lineage.refusals import NEVER_WAIVED
from veil.policy.graph import Graph, Node
from veil.policy.rules.common import Rule, title
from veil.policy.waivers import problems, today

ASIDE = frozenset(
    {"jinja_reads_data", "hook_sql", "materialization", "relation_by_string", "personal_literal"}
)
"""Rules about what travels past the lineage that a waiver can set aside."""
WAIVABLE = frozenset(rule.value for rule in LineageRule if rule not in NEVER_WAIVED) | ASIDE


def waivers_hold(graph: Graph, node: Node) -> Iterator[str]:
    for problem in problems(node.meta, known=WAIVABLE, day=today()):
        yield f"{title(node)}: {problem}"


def tests_show_no_value(graph: Graph, node: Node) -> Iterator[str]:
    """A test's `fail_calc` is printed as its result: anything but a count could be a value."""
    for test in graph.tests(node):
        config = test.get("config") or {}
        where = f"{title(node)} has the test `{(test.get('test_metadata') or test)['name']}`"
        if str(config.get("fail_calc") or "count(*)").lower().replace(" ", "") != "count(*)":
            yield f"{where} with a `fail_calc` that prints more than a count. Take it out."
        if config.get("store_failures") or config.get("store_failures_as") in {"table", "view"}:
            yield f"{where}, which stores its failing rows. Set `store_failures: false`."


RULES: tuple[Rule, ...] = (waivers_hold, tests_show_no_value)
