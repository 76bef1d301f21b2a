"""The profiles: what each fills in, what it refuses, and the 18 identifiers one by one."""

from __future__ import annotations

import re
import string

import pytest
import yaml

from harness import DbtProject, Outcome
from profile_cases import PROFILED, SAFE_HARBOR

pytestmark = pytest.mark.project


@pytest.mark.parametrize("name", [name for name, case in PROFILED.items() if case.says])
def test_a_profile_refuses_what_it_does_not_allow(compiled: Outcome, name: str) -> None:
    """The message names model, column and profile or the missing mask."""
    message = compiled.messages[f"model.veil.{name}"]

    assert compiled.results[f"model.veil.{name}"] == "error"
    assert f"veil: model `{name}` column `value`" in message
    assert PROFILED[name].says in message


@pytest.mark.parametrize("name", [name for name, case in PROFILED.items() if case.sql])
def test_a_profile_fills_in_what_the_yaml_leaves_out(
    compiled: Outcome, bad_project: DbtProject, name: str
) -> None:
    """The mask and its arguments stand in the compiled SQL."""
    path = bad_project.root / f"target/compiled/veil/models/pseudonymized/profiles/{name}.sql"

    assert compiled.results[f"model.veil.{name}"] == "success"
    assert PROFILED[name].sql.format(source=PROFILED[name].source) in path.read_text(
        encoding="utf-8"
    )


def _rules(project: DbtProject, profile: str) -> dict[str, dict[str, list[str]]]:
    path = project.root / "macros" / "masking" / f"_profile_{profile}.sql"
    body = re.search(r"%}\n(.*)\{% endmacro", path.read_text(encoding="utf-8"), re.DOTALL)
    assert body is not None
    loaded = yaml.safe_load(body[1])
    assert isinstance(loaded, dict)
    return loaded


def test_each_of_the_18_identifiers_has_a_type_and_none_is_kept(bad_project: DbtProject) -> None:
    """Paragraphs (A) to (R), each with at least one type that the profile has a rule for."""
    rules = _rules(bad_project, "hipaa_safe_harbor")
    families = {"made_up": "direct_identifier", "event_date": "date"}

    assert "".join(SAFE_HARBOR) == string.ascii_uppercase[:18]
    for kinds in SAFE_HARBOR.values():
        for kind in kinds:
            assert "keep" not in rules[families.get(kind, kind)]["allowed"]


def test_no_rule_of_safe_harbor_allows_a_code_derived_from_the_person(
    bad_project: DbtProject,
) -> None:
    """45 CFR 164.514(c): neither a pseudonym nor a keyed shift."""
    rules = _rules(bad_project, "hipaa_safe_harbor")
    allowed = {mask for name, rule in rules.items() if name[0] != "_" for mask in rule["allowed"]}

    assert not allowed & {"pseudonym", "shift_date", "partial", "email_domain", "ip_prefix"}


@pytest.mark.parametrize("profile", ["gdpr_default", "hipaa_safe_harbor"])
def test_a_mask_that_stands_in_is_one_that_is_allowed(
    bad_project: DbtProject, profile: str
) -> None:
    """A profile cannot fill in what it would refuse."""
    rules = {name: rule for name, rule in _rules(bad_project, profile).items() if name[0] != "_"}

    assert all(rule.get("mask", "drop") in rule["allowed"] for rule in rules.values())
