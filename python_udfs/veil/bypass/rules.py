"""The rules of this package, by name."""

from __future__ import annotations

from enum import Enum


class Rule(Enum):
    """A way in which values, or SQL, get past the lineage."""

    READS = "jinja_reads_data"
    PRIVATE = "private_macro"
    HOOK = "hook_sql"
    CONFIG = "sql_in_config"
    MATERIALIZATION = "materialization"
    OVERRIDE = "override"
    BY_STRING = "relation_by_string"
    LITERAL = "personal_literal"
    STORED = "store_failures"
    COUNTED = "fail_calc"


NEVER_WAIVED = frozenset({Rule.PRIVATE.value, Rule.OVERRIDE.value})
RULES = frozenset(rule.value for rule in Rule)
WAIVABLE = RULES - NEVER_WAIVED

REMEDIES = {
    Rule.READS: "Read data in SQL, by `ref()` or `source()`, or read public columns only; a"
    " `privacy_waiver` for `jinja_reads_data` sets the rule aside.",
    Rule.PRIVATE: "Use veil's documented macros; this rule cannot be waived.",
    Rule.HOOK: "Move the SQL into a model, or have it reviewed and waived (`hook_sql`).",
    Rule.CONFIG: "Move the expression into the model's SQL.",
    Rule.MATERIALIZATION: "Use `table`, `incremental`, `view` or `ephemeral`, with one of dbt's"
    " own strategies.",
    Rule.OVERRIDE: "Rename the macro, or remove it.",
    Rule.BY_STRING: "Read relations by `ref()` or `source()`.",
    Rule.LITERAL: "Use a made-up value: the domain example.com, an SSN that begins with 9, a phone"
    " number with 555-01, an address of 192.0.2.0/24.",
    Rule.STORED: "Set `store_failures: false`; a failing test would keep rows in clear.",
    Rule.COUNTED: "Let the test count: `fail_calc: count(*)`. Its result is printed.",
}
