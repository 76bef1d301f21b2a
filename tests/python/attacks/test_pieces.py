"""An attacker who cuts an identifier into columns and masks a part of each."""

from __future__ import annotations

import pytest

from harness import DbtProject

pytestmark = pytest.mark.project

RAW = """
version: 2
models:
  - name: raw_cut
    config:
      contract: {enforced: true}
    columns:
"""
PSN = """
version: 2
models:
  - name: psn_cut
    config:
      contract: {enforced: true}
    columns:
"""
RAW_COLUMN = (
    "      - name: {name}\n        data_type: varchar\n        config:\n"
    "          meta: {{privacy_class: direct_identifier, privacy_type: ssn}}\n"
)
PSN_COLUMN = (
    "      - name: {name}\n        data_type: varchar\n        config:\n          meta: {mask}\n"
)
PARTIAL = "{privacy_mask: partial, privacy_mask_args: {keep_first: 4}}"
REDACT = "{privacy_mask: redact}"


def cut(project: DbtProject, *masks: str) -> None:
    """A social security number in pieces, each padded so that its mask shows the whole piece."""
    names = [f"p{number}" for number in range(1, len(masks) + 1)]
    pieces = ", ".join(
        f"substr(ssn, {1 + 4 * number}, 4) || 'xxxxxxxxxxxx' as {name}"
        for number, name in enumerate(names)
    )
    project.write("models/raw/raw_cut.sql", f"select {pieces} from {{{{ ref('seed_w2') }}}}")
    project.write("models/raw/_cut.yml", RAW + "".join(RAW_COLUMN.format(name=n) for n in names))
    project.write("models/pseudonymized/psn_cut.sql", "{{ veil.pseudonymize(ref('raw_cut')) }}")
    columns = "".join(
        PSN_COLUMN.format(name=name, mask=mask) for name, mask in zip(names, masks, strict=True)
    )
    project.write("models/pseudonymized/_cut.yml", PSN + columns)


def test_identifier_in_pieces_is_refused(project: DbtProject) -> None:
    """Two parts of one number are refused, with the columns named."""
    cut(project, PARTIAL, PARTIAL, REDACT)
    outcome = project.dbt("run", "--select", "raw_cut", "psn_cut")

    assert "parts of the direct identifier" in outcome.messages["model.veil.psn_cut"]
    assert "`p1`, `p2`" in outcome.messages["model.veil.psn_cut"]


def test_one_part_is_what_the_mask_is_for(project: DbtProject) -> None:
    """The twin: one part stays, the others are hidden."""
    cut(project, PARTIAL, REDACT, REDACT)
    outcome = project.dbt("run", "--select", "raw_cut", "psn_cut")

    assert outcome.ok, outcome.text
