"""What a check keeps for the next one: every change is noticed, and no cache is trusted blindly."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from check_support import Small, harmless, leaking

from veil.check import Report, check_project
from veil.check import project as checking
from veil.project import Project

Edit = Callable[[Path], object]


class Bench:
    """A project on disk and a stand-in for dbt's parse that counts its calls."""

    def __init__(self, root: Path, small: Small, patch: pytest.MonkeyPatch) -> None:
        self.small = small
        self.project: Project = small.write(root)
        self.root = root
        self.environ = {"HOME": str(root)}
        self.parses = 0
        self.rendered: list[str] = []
        patch.setattr(checking, "parse_project", self._parse)
        once = checking.Renderer.render

        def render(renderer: object, node: dict[str, str]) -> object:
            self.rendered.append(node["name"])
            return once(renderer, node)  # type: ignore[arg-type]

        patch.setattr(checking.Renderer, "render", render)

    def _parse(self, *_args: object, **_kwargs: object) -> bytes:
        self.parses += 1
        return json.dumps(self.small.document()).encode()

    def check(self, **more: object) -> Report:
        self.rendered.clear()
        return check_project(self.project, environ=self.environ, **more)  # type: ignore[arg-type]

    def model(self, name: str, code: str) -> None:
        """Change a model as an editor does."""
        self.small.models[name] = code
        (self.root / "models" / f"{name}.sql").write_text(code + "\n")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path / "p", leaking(), monkeypatch)
    made.check()
    return made


def rules_of(report: Report, model: str) -> set[str]:
    return {one.rule for one in report.findings if one.model == model}


def test_a_leak_is_found_before_anything_is_built(bench: Bench) -> None:
    """A model behind the raw one that reads an identifier is refused, with the path of it."""
    (found,) = [one for one in bench.check().findings if one.model == "step" and one.path]

    assert found.rule == "direct_identifier"
    assert found.column == "ssn"
    assert found.path.startswith("seed_people.ssn -> raw_people.ssn")


def test_nothing_is_done_twice(bench: Bench) -> None:
    """Without a change nothing is parsed and nothing is rendered, and the findings are the same."""
    first = bench.check(use_cache=False)
    second = bench.check()

    assert (bench.rendered, bench.parses) == ([], 2)
    assert second.findings == first.findings
    assert not second.parsed


def test_one_changed_model_is_looked_at_alone(bench: Bench) -> None:
    """dbt is not asked, and models whose parents say the same stay as they are."""
    bench.model("raw_people", "select ssn, kind from {{ ref('seed_people') }} -- noted")

    bench.check()

    assert (bench.rendered, bench.parses) == (["raw_people"], 1)


def test_what_a_change_lets_through_is_followed_downstream(bench: Bench) -> None:
    """A parent whose labels changed is followed into what reads it."""
    bench.model("raw_people", "select kind as ssn, kind from {{ ref('seed_people') }}")

    bench.check()

    assert bench.rendered == ["raw_people", "step"]


def test_a_mended_model_is_fine_again(bench: Bench) -> None:
    """The finding goes with the change, and comes back with it."""
    leaky = bench.small.models["step"]
    bench.model("step", "select kind from {{ ref('raw_people') }}")
    mended = rules_of(bench.check(), "step")
    bench.model("step", leaky)
    back = rules_of(bench.check(), "step")

    assert "direct_identifier" not in mended
    assert "direct_identifier" in back


def test_a_one_line_leak_after_a_fine_check_is_found(bench: Bench) -> None:
    """The cache says «fine» of the content that it saw, and of no other."""
    bench.model("step", "select kind from {{ ref('raw_people') }}")
    bench.check()
    bench.model("step", "select kind, ssn from {{ ref('raw_people') }}")

    assert "direct_identifier" in rules_of(bench.check(), "step")
    assert bench.parses == 1


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: (root / "models/_models.yml").write_text("version: 2\n# x\n"),
        lambda root: (root / "macros/one.sql").write_text("{% macro one() %}2{% endmacro %}"),
        lambda root: (root / "dbt_project.yml").write_text("name: demo\nprofile: demo\n# x\n"),
        lambda root: (root / "packages.yml").write_text("packages: []\n"),
        lambda root: (root / "profiles.yml").write_text(
            "demo: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}"
        ),
        lambda root: (root / "models/new.sql").write_text("select 1"),
        lambda root: (root / "models/other.sql").unlink(),
        lambda root: (root / "models/other.sql").rename(root / "models/another.sql"),
        lambda root: (root / "models/other.py").write_text("x = 1"),
        lambda root: (root / "seeds/seed_new.csv").write_text("a\n"),
    ],
    ids=["yaml", "macro", "project", "packages", "profile", "new", "gone", "renamed", "py", "seed"],
)
def test_what_only_dbt_can_tell_is_parsed_again(bench: Bench, edit: Edit) -> None:
    """YAML, macros, settings, and files that come and go."""
    edit(bench.root)

    assert bench.check().parsed


@pytest.mark.parametrize(
    "code",
    [
        "select ssn, kind from {{ ref('raw_people') }}, {{ ref('other') }}",
        "{{ config(materialized='view') }}select kind from {{ ref('raw_people') }}",
        "select kind from {{ ref('raw_people') }} where {{ is_incremental() }}",
        "select kind from {{ ref('raw_people') }} {% if %}",
        "select kind from {{ ref('raw_people') }} {{ unheard_of() }}",
    ],
    ids=["ref", "config", "macro", "broken", "unknown"],
)
def test_sql_that_tells_dbt_something_new_is_parsed_again(bench: Bench, code: str) -> None:
    """Another parent, another configuration, another macro, or no Jinja at all."""
    bench.model("step", code)

    assert bench.check().parsed


def test_the_environment_that_a_template_reads_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another value of a variable that is read is another project; one that is not read is not."""
    small = Small(models={"m": "select '{{ env_var('STAGE', 'dev') }}' as stage"})
    bench = Bench(tmp_path / "p", small, monkeypatch)
    bench.check()
    bench.environ["SOMETHING_ELSE"] = "1"
    same = bench.check().parsed
    bench.environ["STAGE"] = "prod"

    assert not same
    assert bench.check().parsed


def test_another_version_of_veil_looks_anew(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules change from version to version."""
    monkeypatch.setattr("veil.check.inputs.tool", lambda: "another")

    assert bench.check().parsed


def test_a_column_that_appears_in_a_seed_is_found_without_a_parse(bench: Bench) -> None:
    """Its header is looked at every time."""
    (bench.root / "seeds/seed_people.csv").write_text("ssn,kind,e_mail\n")
    report = bench.check()

    assert not report.parsed
    assert "schema_drift" in rules_of(report, "seed_people")
    assert any("`e_mail`" in one.message for one in report.findings)


def test_rows_of_a_seed_do_not_matter(bench: Bench) -> None:
    """Nothing is kept of them, and nothing is looked at again."""
    (bench.root / "seeds/seed_people.csv").write_text("ssn,kind\n900-11-2222,x\n")
    report = bench.check()

    assert not report.parsed
    kept = (bench.root / "target/veil/check/state.json").read_text()
    assert "900-11-2222" not in kept


def keep(file: Path, raw: object) -> None:
    """Write a cache whose digest is right."""
    body = json.dumps(raw).encode()
    file.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def damage(folder: Path, how: str) -> None:
    state, parsed = folder / "state.json", folder / "parsed.json"
    raw = json.loads(state.read_text().partition("\n")[2])
    if how == "empty":
        state.write_text("")
    elif how == "cut":
        state.write_bytes(state.read_bytes()[:-20])
    elif how == "binary":
        state.write_bytes(bytes(range(256)))
    elif how == "list":
        state.write_text("[]")
    elif how == "deep":
        state.write_text("[" * 100_000)
    elif how == "parsed gone":
        parsed.unlink()
    elif how == "parsed changed":
        parsed.write_text(parsed.read_text().replace("direct_identifier", "non_sensitive"))
    elif how == "models":
        keep(state, {**raw, "models": {"x": 1}})
    elif how == "findings":
        keep(state, {**raw, "rules": [{"rule": "x", "level": "none"}]})
    elif how == "version":
        keep(state, {**raw, "format": 0})
    else:
        state.unlink()
        state.mkdir()


@pytest.mark.parametrize(
    "how",
    [
        *("empty", "cut", "binary", "list", "deep", "parsed gone", "parsed changed"),
        *("models", "findings", "version", "folder"),
    ],
)
def test_a_damaged_cache_is_not_read(bench: Bench, how: str) -> None:
    """The check neither stops nor believes it: it looks anew and finds the same."""
    before = bench.check().findings
    damage(bench.root / "target" / "veil" / "check", how)
    report = bench.check()

    assert report.parsed
    assert report.findings == before


def test_labels_that_were_changed_are_made_again(bench: Bench) -> None:
    """Damaged labels of a parent never pass for labels that carry nothing."""
    file = bench.root / "target" / "veil" / "check" / "state.json"
    text = file.read_text()
    file.write_text(text.replace("DIRECT_IDENTIFIER", "NON_SENSITIVE"))
    bench.model("step", "select ssn as other_name from {{ ref('raw_people') }}")

    assert "direct_identifier" in rules_of(bench.check(), "step")


def test_a_template_that_reads_the_clock_is_rendered_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its SQL may be another one by now."""
    small = Small(models={"m": "select '{{ run_started_at }}' as at", "n": "select 1 as one"})
    bench = Bench(tmp_path / "p", small, monkeypatch)
    bench.check()
    bench.check()

    assert bench.rendered == ["m"]


def test_a_waiver_is_judged_by_the_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set aside yesterday may stand against a model today."""
    small = leaking()
    waiver = {"rule": "unfollowable", "owner": "ada", "reason": "reviewed", "until": "2031-05-01"}
    small.metas["step"] = {"privacy_waiver": [waiver]}
    bench = Bench(tmp_path / "p", small, monkeypatch)
    bench.check()
    first = list(bench.rendered)
    monkeypatch.setattr(checking, "today", lambda: date(2031, 6, 1))
    bench.check()

    assert "step" in first
    assert bench.rendered == ["step"]


def test_a_changed_ephemeral_parent_is_seen_in_what_it_is_put_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no table of its own: its SQL is part of the model's."""
    small = leaking()
    small.models["between"] = "select kind from {{ ref('raw_people') }}"
    small.configs["between"] = {"materialized": "ephemeral"}
    small.models["step"] = "select * from {{ ref('between') }}"
    bench = Bench(tmp_path / "p", small, monkeypatch)
    before = rules_of(bench.check(), "step")
    bench.model("between", "select kind, ssn from {{ ref('raw_people') }}")

    assert "direct_identifier" not in before
    assert "direct_identifier" in rules_of(bench.check(), "step")
    assert bench.parses == 1


def test_a_model_that_cannot_be_rendered_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error by itself; what reads it gets a note; the rest is looked at."""
    small = leaking()
    small.models["broken"] = "select {{ nothing() }} from {{ ref('raw_people') }}"
    small.models["above"] = "select * from {{ ref('broken') }}"
    report = Bench(tmp_path / "p", small, monkeypatch).check()

    assert rules_of(report, "broken") >= {"unrenderable"}
    assert rules_of(report, "above") >= {"not_followed"}
    assert rules_of(report, "step") >= {"direct_identifier"}


def test_a_missing_cache_folder_only_costs_time(bench: Bench) -> None:
    """It is made again."""
    shutil.rmtree(bench.root / "target")

    assert bench.check().parsed
    assert not bench.check().parsed


TWO_PROCESSES = """
import json, sys
from check_support import leaking
from veil.check import check_project, project as checking
small = leaking()
checking.parse_project = lambda *_args, **_kwargs: json.dumps(small.document()).encode()
from pathlib import Path
found = []
for number, large in enumerate((1, 10_000)):
    checking.LARGE = large
    project = small.write(Path(sys.argv[1]) / str(number))
    rendered = []
    once = checking.Renderer.render
    def render(renderer, node):
        rendered.append(node["name"])
        return once(renderer, node)
    checking.Renderer.render = render
    found.append(check_project(project, environ={"HOME": sys.argv[1]}).findings)
    checking.Renderer.render = once
    print(sorted(rendered))
print(found[0] == found[1] and len(found[0]) > 0)
"""


def test_two_processes_find_what_one_finds(tmp_path: Path) -> None:
    """A large project is shared between two; what the second rendered is not rendered again."""
    done = subprocess.run(
        [sys.executable, "-c", TWO_PROCESSES, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
    )
    shared, alone, same = done.stdout.splitlines()

    assert same == "True", done.stderr
    assert len(shared.split()) < len(alone.split()) or (os.cpu_count() or 1) < 2


def test_work_that_fails_beside_is_still_to_be_done() -> None:
    """There is no second process where threads run, and none that failed is believed."""
    code = (
        "from veil.check.beside import beside\n"
        "print(beside(lambda: [1])() in ([1], None), beside(lambda: 1 / 0)(),"
        " beside(lambda: object())())\n"
        "import threading\n"
        "stop = threading.Event()\n"
        "threading.Thread(target=stop.wait).start()\n"
        "print(beside(lambda: [1])())\n"
        "stop.set()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
    )

    assert done.stdout.splitlines() == ["True None None", "None"], done.stderr


def test_no_cache_looks_at_everything(bench: Bench) -> None:
    """Every model is rendered again."""
    bench.check(use_cache=False)

    assert sorted(bench.rendered) == ["other", "raw_people", "step"]


def test_harmless_columns_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that gives nothing away has no finding at all."""
    small = Small(
        models={
            "seed_kinds": "",
            "raw_kinds": "select kind from {{ ref('seed_kinds') }}",
            "kinds": "select kind, count(*) as n from {{ ref('raw_kinds') }} group by kind",
        },
        columns={"seed_kinds": {"kind": harmless()}, "raw_kinds": {"kind": harmless()}},
    )

    assert Bench(tmp_path / "p", small, monkeypatch).check().findings == ()
