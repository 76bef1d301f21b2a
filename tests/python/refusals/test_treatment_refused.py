"""What a pseudonymized model must not be: refused, with model, column and the way out."""

from __future__ import annotations

import pytest
import yaml

from harness import DbtProject, Outcome
from refusal_cases import ATTACK, REFUSED, SHOWING, UNFIT

pytestmark = pytest.mark.project


def _message(compiled: Outcome, name: str) -> str:
    """The refusal's own line, out of dbt's message."""
    text = compiled.messages[f"model.veil.{name}"]
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("veil: ")]
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_treatment_is_refused_with_its_place_and_the_way_out(
    compiled: Outcome, name: str
) -> None:
    """One line that names model, column and remedy; the model does not compile."""
    message = _message(compiled, name)

    assert compiled.results[f"model.veil.{name}"] == "error"
    assert all(part in message for part in REFUSED[name].says), message
    assert (
        f"model `{name}`" in message
        or f"model `{REFUSED[name].raw}`" in message
        or (REFUSED[name].raw.startswith("seed_"))
    )


@pytest.mark.parametrize("name", [name for name in REFUSED if name.startswith("argument_")])
def test_a_refusal_does_not_repeat_the_argument(compiled: Outcome, name: str) -> None:
    """Nothing that was written as SQL in the YAML comes back in the message."""
    message = _message(compiled, name)

    assert ATTACK not in message
    assert "drop table" not in message
    assert "from raw_kinds" not in message


def _masks(bad_project: DbtProject) -> dict[str, dict[str, object]]:
    sql = (bad_project.root / "macros/masking/_mask_catalogue.sql").read_text(encoding="utf-8")
    loaded = yaml.safe_load(sql.split("{%- set catalogue -%}")[1].split("{%- endset -%}")[0])
    assert isinstance(loaded, dict)
    return loaded


def test_every_mask_is_tried_on_a_type_and_a_class_that_it_does_not_fit(
    bad_project: DbtProject,
) -> None:
    """A mask that is added without a refusal of its own fails here."""
    masks = _masks(bad_project)

    assert set(UNFIT) == {name for name, mask in masks.items() if mask["fits"] != ["any"]}
    assert set(SHOWING) == {name for name, mask in masks.items() if not mask["hides"]}


def test_nothing_of_a_refused_model_is_written(compiled: Outcome, bad_project: DbtProject) -> None:
    """No compiled SQL of a refused model is left that somebody could run by hand."""
    folder = bad_project.root / "target/compiled/veil/models/pseudonymized/refused"
    left = {path.stem for path in folder.glob("*.sql")} & set(REFUSED)

    assert left == set()


def test_without_the_check_the_value_would_be_in_the_output(bad_project: DbtProject) -> None:
    """The twin: the SQL that `keep` stands for, run as it is, gives the identifier away."""
    with bad_project.connect() as conn:
        conn.execute("create temp table raw_direct as select 'secret-1234' as id")
        rows = conn.execute('select source."id" as "id" from raw_direct as source').fetchall()

    assert rows == [("secret-1234",)]
