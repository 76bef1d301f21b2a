"""Finds personal data in columns by name, shape and checksum, over samples."""

from veil.detect.draft import draft
from veil.detect.extras import require_all
from veil.detect.headers import refuse_values_as_names
from veil.detect.report import compare
from veil.detect.samples import ColumnSample, TableSample
from veil.detect.targets import Target, find_targets
from veil.detect.verdict import Verdict, judge, judge_table

__all__ = [
    "ColumnSample",
    "TableSample",
    "Target",
    "Verdict",
    "compare",
    "draft",
    "find_targets",
    "judge",
    "judge_table",
    "refuse_values_as_names",
    "require_all",
]
