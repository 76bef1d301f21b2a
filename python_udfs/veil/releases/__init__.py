"""Differential releases: what a mart declares, what one draw of it costs, and the draw itself.

Data flows one way through the modules: `reading` makes a `Declared` of a model's YAML, `plan` makes
a `Plan` of that, and `cells` makes the released table of a plan and of bounded aggregates. What
belongs here knows the YAML and the arithmetic of `veil.differential`, and neither DuckDB nor dbt:
bounding and aggregation, the ledger and the mart's table are the affair of `veil.warehouse`.
"""

from veil.releases.cells import draw_cells, realised_error, select_groups
from veil.releases.declared import Declared, Key, Metric, MetricKind, release_name
from veil.releases.parts import Aggregate, Part
from veil.releases.period import Period
from veil.releases.plan import SELECTION, Plan, Selection, expected_error
from veil.releases.reading import problems, read_declared

__all__ = [
    "SELECTION",
    "Aggregate",
    "Declared",
    "Key",
    "Metric",
    "MetricKind",
    "Part",
    "Period",
    "Plan",
    "Selection",
    "draw_cells",
    "expected_error",
    "problems",
    "read_declared",
    "realised_error",
    "release_name",
    "select_groups",
]
