"""The shape of the tree: what may stand where, and what may stand nowhere."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "python_udfs" / "veil"
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
ENGINES = {"dbt", "dbt_common", "duckdb"}
LINES = 400
# Spelled in parts, so that this file passes its own test.
FORBIDDEN = tuple(
    "".join(parts)
    for parts in (
        ("/wo", "rk/"),
        ("/tm", "p/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/op", "t/"),
        ("/Us", "ers/"),
        ("py", "pi.org"),
        ("pythonhos", "ted.org"),
        ("--index", "-url "),
        ("npm", "js.org"),
        ("deb.deb", "ian.org"),
    )
)
# The option that keeps addresses out of the lock files.
ALLOWED = "--no-emit-" + "index-url"


def tracked() -> list[Path]:
    """Files that git holds or would hold; in a copy without git, what the folders hold."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
    )
    assert done.returncode == 0, "the tree is tested in a git repository"
    names = done.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def offences(text: str) -> list[str]:
    """The forbidden words that a text names."""
    return [word for word in FORBIDDEN if word in text.replace(ALLOWED, "")]


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_nothing_names_a_machine_or_a_registry() -> None:
    """No file holds a path of somebody's machine or the address of a registry."""
    found = {}
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if offences(text):
            found[_name(path)] = offences(text)

    assert found == {}


def test_a_machine_path_would_be_noticed() -> None:
    """The search finds what it looks for."""
    assert offences("see " + FORBIDDEN[0] + "notes") == [FORBIDDEN[0]]
    assert offences(ALLOWED) == []


def test_git_holds_every_module() -> None:
    """No rule of .gitignore hides a part of the package."""
    kept = set(tracked())

    assert [_name(path) for path in MODULES if path not in kept] == []


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=_name)
def test_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    """Every module has a docstring and fewer than 400 lines."""
    text = path.read_text(encoding="utf-8")

    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) < LINES


def test_only_plugin_and_warehouse_know_the_engine() -> None:
    """dbt and duckdb are imported by `plugin.py` and under `warehouse/` alone."""
    found = {_name(path) for path in MODULES if imported(path) & ENGINES}
    allowed = {
        name
        for name in found
        if name == "python_udfs/veil/plugin.py" or name.startswith("python_udfs/veil/warehouse/")
    }

    assert "python_udfs/veil/plugin.py" in found
    assert found == allowed


def test_public_macro_files_hold_one_public_macro() -> None:
    """A public macro stands in a file of its name, with nothing public beside it."""
    wrong = []
    for path in sorted((ROOT / "macros").glob("*/[a-z]*.sql")):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"{%-?\s*(?:macro|test|materialization)\s+([a-z]\w*)[(,]", text)
        public = [name for name in names if not re.match(r"[a-z]+__", name)]
        if public != [path.stem]:
            wrong.append(_name(path))

    assert wrong == []


def test_private_macros_begin_with_an_underscore() -> None:
    """What stands in `_private/` is named so that nobody calls it by mistake."""
    wrong = [
        f"{path.name}: {name}"
        for path in sorted((ROOT / "macros" / "_private").glob("*.sql"))
        for name in re.findall(r"{%-?\s*macro\s+(\w+)\(", path.read_text(encoding="utf-8"))
        if not name.startswith("_") and "___" not in name
    ]

    assert wrong == []


def test_macro_files_say_what_they_are_for_and_stay_short() -> None:
    """Every macro file opens with a comment; one that holds no data has at most 60 lines."""
    wrong = []
    for path in sorted((ROOT / "macros").rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        is_data = path.name == "_mask_catalogue.sql" or path.name.startswith("_profile_")
        if not text.startswith("{#-") or (len(text.splitlines()) > 60 and not is_data):
            wrong.append(_name(path))

    assert wrong == []


def test_every_document_begins_with_what_it_is_for() -> None:
    """A title, an empty line, and a sentence."""
    wrong = []
    for path in sorted((ROOT / "docs").rglob("*.md")):
        if path.parent.name == "site":
            continue
        lines = path.read_text(encoding="utf-8").removeprefix("<!--").split("\n")
        start = next((at for at, line in enumerate(lines) if line.startswith("# ")), None)
        if start is None or lines[start + 1] or not lines[start + 2][:1].isalpha():
            wrong.append(_name(path))

    assert wrong == []
