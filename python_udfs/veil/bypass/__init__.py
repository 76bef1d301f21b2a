"""Values and SQL that travel past the column lineage: Jinja that reads, hooks, overrides, literals.

The lineage follows what a model's compiled SQL does. What Jinja read while that SQL was made is in
it as a literal; what a hook, a materialization or a test writes is not in it at all. This package
looks at nodes and macros as dbt's manifest holds them, without dbt and without a warehouse.
"""

from veil.bypass.check import check_bypasses
from veil.bypass.rules import NEVER_WAIVED, RULES, WAIVABLE

__all__ = ["NEVER_WAIVED", "RULES", "WAIVABLE", "check_bypasses"]
