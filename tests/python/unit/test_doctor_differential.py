"""The doctor on what differential releases need."""

from __future__ import annotations

import secrets
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_support import found, good_place, levels
from keys_support import REF

from veil.differential.noise import require_opendp
from veil.doctor import Place
from veil.doctor.versions import declared
from veil.errors import VeilError
from veil.keys.disabling import disable
from veil.state import create_keyring, load_keyring

BUDGETS = 'vars:\n  "veil:budgets": {people: {unit: person, epsilon: 1}}\n'
REMEDY = "pip install 'dbt-veil[differential]'"


def releasing(root: Path, *, version: str | None = "0.16.0") -> Place:
    """A project that declares a budget, on a machine with that version of OpenDP."""
    place = good_place(root)
    with (place.root / "dbt_project.yml").open("a") as file:
        file.write(BUDGETS)
    return replace(place, version_of={"opendp": version}.get)


def test_what_is_tested_is_fine(tmp_path: Path) -> None:
    """OpenDP is there, in the declared range, and loads."""
    assert found(releasing(tmp_path), "noise") == []


def test_a_project_without_budgets_needs_nothing(tmp_path: Path) -> None:
    """Who releases nothing with noise need not install what draws it."""
    place = good_place(tmp_path)

    assert place.version_of("opendp") is None
    assert found(place, "noise") + found(place, "release_keys") == []


def test_an_absent_opendp_is_an_error(tmp_path: Path) -> None:
    """With the command that installs it."""
    (one,) = found(releasing(tmp_path, version=None), "noise")

    assert one.level.value == "error"
    assert "`opendp` is not installed" in one.message
    assert one.remedy == REMEDY


@pytest.mark.parametrize("version", ["0.15.9", "0.17.0", "none"])
def test_an_untested_opendp_is_said(tmp_path: Path, version: str) -> None:
    """Outside of the range that veil declares, and one that is no version."""
    assert levels(releasing(tmp_path, version=version), "noise") == ["warning"]


def test_an_opendp_that_does_not_load_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed for another system, or broken: the build would find it out."""
    monkeypatch.setitem(sys.modules, "opendp.measurements", None)
    (one,) = found(releasing(tmp_path), "noise")
    with pytest.raises(VeilError, match=r"dbt-veil\[differential\]"):
        require_opendp()

    assert "does not load" in one.message


def test_the_range_comes_from_the_extra_alone() -> None:
    """One requirement, and none of those that every installation has."""
    (one,) = declared("differential")[0]

    assert one.name == "opendp"
    assert "opendp" not in {found.name for found in declared()[0]}


def test_a_keyring_without_the_keys_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All keys there: fine. One disabled: an error with the way out."""
    monkeypatch.setenv(REF.removeprefix("env:"), secrets.token_hex(32))
    place = releasing(tmp_path)
    place.project.keyring.unlink()
    create_keyring(place.project, kek_ref=REF, is_encrypted=True, after_loss=False)
    before = found(place, "release_keys")
    kid = load_keyring(place.project).primary("bounding", "*").kid
    disable(place.project.keyring, kid)
    (one,) = found(place, "release_keys")

    assert before == []
    assert one.level.value == "error"
    assert "no key for `bounding`" in one.message
