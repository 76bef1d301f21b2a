"""Every macro is documented, and its documentation fits it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import new_project

pytestmark = pytest.mark.project

SAYS = ("yaml for macro", "patch for macro")


def test_every_macro_is_documented_as_it_is_written(tmp_path: Path) -> None:
    """Names, order and types of arguments fit the Jinja; a wrong name is noticed.

    `default__…` is the body of the macro that dispatches to it.
    """
    project = new_project(tmp_path / "demo")
    outcome = project.dbt("parse")
    manifest = json.loads((project.root / "target" / "manifest.json").read_text())
    ours = [macro for macro in manifest["macros"].values() if macro["package_name"] == "veil"]
    bare = [
        macro["name"]
        for macro in ours
        if not macro["name"].startswith("default__")
        and not (macro["description"] and all(one["description"] for one in macro["arguments"]))
    ]
    project.replace("macros/masking/_masking.yml", "name: hierarchies", "name: hierarchy")
    broken = project.dbt("parse")

    assert outcome.ok, outcome.text
    assert bare == []
    assert [line for line in outcome.lines if any(one in line for one in SAYS)] == []
    assert [line for line in broken.lines if any(one in line for one in SAYS)] != []
