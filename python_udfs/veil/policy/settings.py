"""The project's own settings: `veil:` variables that every part of a run sees alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from veil.audit.anchor import anchor_from
from veil.errors import VeilError
from veil.policy.rules.common import LEAST_THRESHOLD
from veil.policy.rules.exceptions import WAIVABLE
from veil.policy.waivers import project_problems, today

VARIABLES = ("veil:threshold", "veil:publish", "veil:waivers", "veil:anchor", "veil:budgets")
OUR_NAME = "veil"
THRESHOLD = 11
"""`veil:threshold` where the project sets none, as the package's macros have it."""


def check_settings(
    config: Mapping[str, Any],
    *,
    profile: str,
    threshold: object,
    publish: object,
    waivers: object,
    command_line: Collection[str] = (),
) -> None:
    """Refuse settings that one part of a run would see and another would not.

    Args:
        config: dbt_project.yml.
        profile: the name of dbt's profile; the demo's is `veil`, and that name switches it on.
        threshold: `veil:threshold` as the run's hooks see it.
        publish: `veil:publish` as the run's hooks see it.
        waivers: `veil:waivers` as the run's hooks see it.
        command_line: names of the variables that `--vars` sets.

    Raises:
        VeilError: what is set, and where it belongs.
    """
    if profile == OUR_NAME and config.get("name") != OUR_NAME:
        raise VeilError(
            "a profile of the name `veil` would build the package's demo in this project.",
            remedy="Rename it in profiles.yml and dbt_project.yml.",
        )
    declared = config.get("vars")
    for name, value in (declared if isinstance(declared, Mapping) else {}).items():
        if str(name).startswith("veil:") and name not in VARIABLES:
            raise VeilError(
                f"dbt_project.yml sets the unknown variable `{name}`.",
                remedy=f"Known: {', '.join(VARIABLES)}.",
            )
        # A model sees its own project's scope, a package's hook another one: the build would
        # gate under one threshold and publish under the other.
        for inner in value if isinstance(value, Mapping) else ():
            if name == OUR_NAME or str(inner).startswith("veil:"):
                raise VeilError(
                    f"dbt_project.yml sets `{inner}` under `vars: {name}:`, where not every part"
                    " of a run sees it.",
                    remedy='Write it directly under `vars:`, as `"veil:…"`.',
                )
    if waivers != ((declared.get("veil:waivers") if isinstance(declared, Mapping) else None) or []):
        raise VeilError(
            "the variable `veil:waivers` is set outside dbt_project.yml, where nobody reviews it.",
            remedy="Write the waivers directly under `vars:` in dbt_project.yml.",
        )
    if "veil:budgets" in command_line:
        raise VeilError(
            "the variable `veil:budgets` is set outside dbt_project.yml, where nobody reviews it.",
            remedy="Write the budgets directly under `vars:` in dbt_project.yml.",
        )
    for problem in project_problems(config, known=WAIVABLE, day=today()):
        raise VeilError(f"dbt_project.yml: {problem}")
    if not isinstance(threshold, int) or isinstance(threshold, bool) or threshold < LEAST_THRESHOLD:
        raise VeilError(
            "the variable `veil:threshold` is not usable.",
            remedy=f"It is a whole number from {LEAST_THRESHOLD}.",
        )
    if isinstance(declared, Mapping) and "veil:anchor" in declared:
        anchor_from(declared["veil:anchor"], root=Path())
    if not isinstance(publish, bool):
        raise VeilError("the variable `veil:publish` is not usable.", remedy="It is true or false.")
