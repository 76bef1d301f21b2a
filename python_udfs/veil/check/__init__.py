"""`veil check`: the static gate over a project, without a warehouse and without a key.

dbt parses the project in a process of its own; models are rendered from its manifest, followed by
the lineage as in a build, and what was found is kept, so that a change of one model's SQL needs
neither dbt nor a second look at anything else.
"""

from veil.check.project import Guarded, Report, check_project, render_models

__all__ = ["Guarded", "Report", "check_project", "render_models"]
