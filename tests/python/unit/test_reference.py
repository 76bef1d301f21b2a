"""The generated documents: up to date, whole, and without a dead link or an unknown word."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from veil.cli.init import PLUGIN_LINES, PROJECT_LINES
from veil.releases.declared import MetricKind

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import build_reference as reference  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_generated_documents_are_up_to_date() -> None:
    """What the generator writes is what stands in the tree."""
    stale = [
        str(path.relative_to(ROOT))
        for path, text in reference.documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run: python scripts/build_reference.py"


def test_check_notices_a_page_that_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` ends with 1 and names the page."""
    page = tmp_path / "masks.md"
    page.write_text("edited by hand", encoding="utf-8")
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "documents", lambda: {page: "as generated"})

    assert reference.main(["--check"]) == 1
    assert "masks.md" in capsys.readouterr().out


def test_the_script_runs_by_itself() -> None:
    """`python scripts/build_reference.py --check` needs no pytest around it."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_reference.py"), "--help"],
        env={"PYTHONPATH": str(ROOT / "python_udfs")},
        capture_output=True,
    )

    assert done.returncode == 0


def test_every_mask_is_documented() -> None:
    """Each mask of the catalogue stands in the reference and in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [
        mask
        for mask in reference.catalogue()
        if f"| `{mask}` |" not in _page("masks.md") or f"| `{mask}` |" not in readme
    ]

    assert missing == []


def test_every_key_is_documented_and_no_other() -> None:
    """The lines of the YAML keys are those of the keys that the macros know."""
    assert sorted(reference.KEYS) == sorted(reference.known_keys())


def test_every_variable_is_documented_and_no_other() -> None:
    """The lines of the variables are those that the macros read."""
    assert sorted(reference.VARIABLES) == sorted(reference.variables())


def test_every_public_macro_and_test_is_documented() -> None:
    """Each public macro file has its section, with a text of its own."""
    files = {
        path.stem
        for path in (ROOT / "macros").glob("*/[a-z]*.sql")
        if path.parent.name != "_private"
    }
    found = {macro.name: macro for macro in reference.macros()}
    pages = _page("macros.md") + _page("tests.md")

    assert files <= set(found)
    for name, macro in found.items():
        assert f"### {name}\n" in pages
        assert macro.text, f"{name} has neither YAML nor a comment"


def test_every_command_is_documented() -> None:
    """Each command, whatever its depth, stands with its help."""
    page = _page("commands.md")
    missing = [name for name, text in reference.commands() if f"## {name}\n" not in page]

    assert missing == []


def test_every_command_has_an_example() -> None:
    """`--help` of each command shows how it is called."""
    missing = [name for name, text in reference.commands() if "Example:" not in text]

    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_yaml_examples_are_yaml(path: Path) -> None:
    """Every YAML example of a document can be read."""
    for block in re.findall(r"```yaml\n(.*?)```", path.read_text("utf-8"), re.S):
        loaded = yaml.safe_load(textwrap.dedent(block))

        assert loaded


def test_readme_says_what_init_says() -> None:
    """The lines to paste are the same in the README and from `veil init`."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert f"```yaml\n{PLUGIN_LINES}\n```" in readme
    assert f"```yaml\n{PROJECT_LINES.format(name='my_project')}\n```" in readme


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a document names a file that is there."""
    links = LINK.findall(path.read_text(encoding="utf-8"))
    dead = [
        link
        for link in links
        if not link.startswith(("https://", "#")) and not (path.parent / link).exists()
    ]

    assert dead == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_only_known_keys(path: Path) -> None:
    """No document teaches a `privacy_` key that would be refused; one kind of metric begins so."""
    words = set(re.findall(r"\bprivacy_[a-z_]+[a-z]\b", path.read_text(encoding="utf-8")))

    assert words <= {*reference.known_keys(), MetricKind.UNITS}
