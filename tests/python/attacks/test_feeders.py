"""What stands under a differential mart: a raw model or a mask through which one person moves the
rows of others, while the mart's own query is stable."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from demo_marts import PEOPLE, add_mart, rows
from harness import DbtProject
from veil.cli.check import check
from veil.warehouse import lineage_gate

pytestmark = pytest.mark.project

RANKED = "row_number() over (order by minutes, cost)"
MINUTES = "{{ veil.typed('minutes', 'integer') }} as minutes"


def ranked(project: DbtProject) -> None:
    """The raw model numbers all visits: whoever comes first moves the numbers of all others."""
    project.replace("models/raw/raw_visits.sql", MINUTES, f"{RANKED}::integer as minutes")


def test_a_raw_model_that_ranks_people_is_refused(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `veil check` and in a build; with the check off, the attack is built and published."""
    ranked(project)
    line = ["--project-dir", str(project.root), "--no-cache"]
    checked = CliRunner().invoke(check, line)
    chosen = ("build", "--select", "+visit_costs_by_service")
    refused = project.dbt(*chosen)
    monkeypatch.setattr(lineage_gate, "check_raw", lambda *_: ())
    built = project.dbt(*chosen)

    assert checked.exit_code == 1
    assert "raw_visits" in checked.output
    assert "is not stable" in checked.output
    assert not refused.ok
    assert "`raw_visits` stands under a differential mart and is not stable" in refused.text
    assert built.ok, built.text


def test_a_mask_that_counts_others_is_not_read(project: DbtProject) -> None:
    """`email_domain` shows a domain that enough others have: one person more, and it is there."""
    project.replace(
        "models/pseudonymized/_pseudonymized.yml",
        "privacy_from: treatment, privacy_mask: generalize,"
        " privacy_mask_args: {hierarchy: hierarchy_treatment, level: service}",
        "privacy_from: treatment, privacy_mask: email_domain, privacy_mask_args: {minimum: 11}",
    )
    one_call = "{{ veil.pseudonymize(ref('raw_visits')) }}"
    project.write("models/pseudonymized/psn_visits.sql", one_call)
    project.replace(
        "models/raw/_raw.yml",
        "privacy_class: sensitive, privacy_type: medication",
        "privacy_class: direct_identifier, privacy_type: email",
    )
    add_mart(project, "by_service", rows(f"select person_key, region, service from {PEOPLE}"))
    outcome = project.dbt("build", "--select", "+visit_costs_by_service")

    assert not outcome.ok
    assert "depends on how many other people have the same" in outcome.text
