"""A stranger's project, integration_tests/, that installs this repository as a dbt package."""

from __future__ import annotations

import itertools
import json
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import KEK, ROOT, DbtProject, copy_of, new_stranger
from veil.cli.main import cli

pytestmark = pytest.mark.project

_numbers = itertools.count(1)
HOOKS = """    +pre-hook: "{{ veil.check_model() }}"
    +post-hook: "{{ veil.gate_model() }}"
"""


@pytest.fixture(scope="module")
def lakeside(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """The clinic's project, built and published once. Read it; never change it."""
    project = new_stranger(tmp_path_factory.mktemp("repository") / "lakeside-0000")
    outcome = project.dbt("build")
    assert outcome.ok, outcome.text
    return project


@pytest.fixture
def stranger(lakeside: DbtProject) -> Iterator[DbtProject]:
    """A copy of the built clinic, to change at will."""
    copy = copy_of(lakeside, lakeside.root.with_name(f"lakeside-{next(_numbers):04d}"))
    yield copy
    shutil.rmtree(copy.root, ignore_errors=True)


def manifest(project: DbtProject) -> dict[str, dict[str, dict[str, object]]]:
    return json.loads((project.root / "target" / "manifest.json").read_text(encoding="utf-8"))


def release(project: DbtProject) -> tuple[Path, bytes]:
    folder = project.root / "published" / "board"
    return folder.readlink(), (folder / "RELEASE.json").read_bytes()


def refusal(project: DbtProject, *arguments: str) -> str:
    """The text of a build that must be refused, before anything of it is published."""
    before = release(project)

    outcome = project.dbt("build", *arguments)
    assert not outcome.ok
    assert release(project) == before
    return outcome.text


# it works


def test_build_publishes_the_strangers_audience(lakeside: DbtProject) -> None:
    """`dbt deps`, `veil init`, `dbt build` leave a file with the clinic's own marts."""
    with lakeside.published("board") as conn:
        tables = {
            row[0] for row in conn.execute("select table_name from duckdb_tables()").fetchall()
        }

    assert tables == {"visits_by_ward_and_age", "visit_costs"}


def test_threshold_of_the_strangers_vars_counts(lakeside: DbtProject) -> None:
    """`veil:threshold: 8` stands in the clinic's vars: 8 to 10 patients show, fewer do not."""
    with lakeside.published("board") as conn:
        shown, hidden = conn.execute(
            "select min(patient_count), count(*) - count(patient_count) from visit_costs"
        ).fetchall()[0]

    assert 8 <= shown <= 10
    assert hidden > 0


def test_profile_gdpr_default_joins_by_pseudonym(lakeside: DbtProject) -> None:
    """A patient has one pseudonym in both models, and no chart number is left in either."""
    visits, found, charts = lakeside.rows(
        """
        select count(*), count(p.patient_key), count(*) filter (v.patient_key like '%lc-%')
        from pseudonymized.main.deid_visits as v
        left join pseudonymized.main.deid_patients as p on v.patient_key = p.patient_key
        """
    )[0]

    assert (visits, found, charts) == (600, 600, 0)


def test_profile_hipaa_safe_harbor_leaves_no_detail(lakeside: DbtProject) -> None:
    """Years only, ages to 90, three digits of a ZIP code, `000` where few people live."""
    table = "pseudonymized.main.deid_lab_results"
    (oldest,) = lakeside.rows(f"select max(age) from {table}")[0]
    days = lakeside.rows(f"select distinct strftime(drawn_on, '%m-%d') from {table}")
    zips = {row[0] for row in lakeside.rows(f"select distinct zip from {table}")}
    columns = {row[0] for row in lakeside.rows(f"describe {table}")}

    assert oldest == 90
    assert days == [("01-01",)]
    assert zips == {"606", "617", "627", "000"}
    assert columns == {"drawn_on", "age", "zip", "analyte", "result"}


def test_stranger_sees_macros_and_hooks_of_ours_and_nothing_else(lakeside: DbtProject) -> None:
    """No model, seed, source, exposure, group, test or docs page of the demo is in the manifest."""
    found = manifest(lakeside)
    ours = {
        unique_id
        for kind in (
            "nodes",
            "sources",
            "exposures",
            "groups",
            "disabled",
            "docs",
            "unit_tests",
            "metrics",
            "semantic_models",
            "saved_queries",
        )
        for unique_id in found[kind]
        if unique_id.split(".")[1] == "veil"
    }

    assert ours == {"operation.veil.veil-on-run-start-0", "operation.veil.veil-on-run-end-0"}
    assert "macro.veil.pseudonymize" in found["macros"]
    assert "Lakeside clinic" in str(found["docs"]["doc.lakeside.__overview__"])


def test_make_data_writes_the_shipped_files(tmp_path: Path) -> None:
    """The clinic's data come from its script, byte for byte."""
    project = ROOT / "integration_tests"
    runpy.run_path(str(project / "make_data.py"))["write"](tmp_path)
    files = ["data/patients.csv", "data/visits.csv", "data/lab_results.csv"]

    assert all((tmp_path / file).read_bytes() == (project / file).read_bytes() for file in files)


def test_publish_false_publishes_nothing(stranger: DbtProject) -> None:
    """With `veil:publish: false` in its vars the clinic builds, and no file appears."""
    stranger.replace(
        "dbt_project.yml", '  "veil:threshold"', '  "veil:publish": false\n  "veil:threshold"'
    )
    shutil.rmtree(stranger.root / "published")

    assert stranger.dbt("build").ok
    assert not (stranger.root / "published").exists()


def test_parse_and_ls_need_no_keyring(stranger: DbtProject) -> None:
    """Without state/ the project parses and lists; only a build is refused, in one clear line."""
    shutil.rmtree(stranger.root / "state")

    assert stranger.dbt("parse", "--no-partial-parse").ok
    assert stranger.dbt("ls").ok
    assert "veil: there is no keyring" in refusal(stranger)


def test_project_dir_may_be_another_folder(stranger: DbtProject, tmp_path: Path) -> None:
    """`--project-dir` from elsewhere finds keyring, zones, and files that are named whole."""
    where = str(stranger.root)
    stranger.replace("models/staging/_staging.yml", "'data/", f"'{where}/data/")
    elsewhere = DbtProject(tmp_path)
    options = ("--project-dir", where, "--profiles-dir", where)
    outcome = elsewhere.dbt("run", "--select", "stg_patients", *options)

    assert outcome.ok, outcome.text


def test_seed_of_a_third_package_loads(stranger: DbtProject) -> None:
    """A seed of a package that the stranger installs beside veil may be read."""
    stranger.write("codes/dbt_project.yml", "name: codes\nversion: 1.0.0\nseed-paths: [lists]\n")
    stranger.write("codes/lists/wards.csv", "ward\nCardiology\n")
    stranger.write("packages.yml", "packages:\n  - local: ../\n  - local: codes\n")
    stranger.replace("dbt_project.yml", "seeds:\n", "seeds:\n  codes: {+database: marts}\n")
    assert stranger.dbt("deps").ok
    outcome = stranger.dbt("seed", "--select", "wards")

    assert outcome.ok, outcome.text
    assert stranger.rows("select ward from marts.main.wards") == [("Cardiology",)]


# veil init


def files_of(root: Path) -> dict[str, bytes]:
    """Everything but state/ and warehouse/, which `veil init` makes."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] not in {"state", "warehouse"}
    }


def test_init_prints_what_to_paste_and_changes_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a project without veil's lines init prints them, every time, and writes only its state."""
    shutil.copy2(ROOT / "integration_tests" / "profiles.example.yml", tmp_path)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: till\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    before = files_of(tmp_path)
    printed = []
    for _again in range(2):
        cli.main(["init", "--provider", f"env:{KEK}"], standalone_mode=False)
        printed.append(capsys.readouterr().out)
    keyring = (tmp_path / "state" / "keyring.json").read_bytes()
    cli.main(["init"], standalone_mode=False)

    assert files_of(tmp_path) == before
    assert (tmp_path / "state" / "keyring.json").read_bytes() == keyring
    for text in printed:
        assert "module: veil.plugin" in text
        assert "profile `till`" in text
        assert HOOKS in text
        assert "  shop:\n" in text


def test_init_says_that_nothing_is_left_to_paste(
    lakeside: DbtProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where profile and project hold the lines already, init prints none."""
    with lakeside.here():
        cli.main(["init"], standalone_mode=False)
    printed = capsys.readouterr().out

    assert "have veil's lines already" in printed
    assert "Paste" not in printed


def test_init_reads_the_profile_in_the_home_folder(
    lakeside: DbtProject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stranger's profiles.yml mostly stands in ~/.dbt; the plugin is found there too."""
    shutil.copy2(lakeside.root / "dbt_project.yml", tmp_path)
    (tmp_path / ".dbt").mkdir()
    shutil.copy2(lakeside.root / "profiles.yml", tmp_path / ".dbt")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    cli.main(["init", "--provider", f"env:{KEK}"], standalone_mode=False)

    assert "Paste" not in capsys.readouterr().out


# it is refused


def test_missing_hooks_are_refused_with_model_and_remedy(stranger: DbtProject) -> None:
    """Without the two lines the run ends before anything is built, and says what to add where."""
    stranger.replace("dbt_project.yml", HOOKS, "")
    text = refusal(stranger)

    assert (
        "veil: model `deid_lab_results` is in scope but does not run `veil.check_model()`" in text
    )
    assert '`+post-hook: "{{ veil.gate_model() }}"`' in text


def test_target_without_plugin_is_refused_in_one_line(stranger: DbtProject) -> None:
    """A profile without the plugin gets its name, the reason and the remedy, and no traceback."""
    profile = (stranger.root / "profiles.yml").read_text(encoding="utf-8")
    stranger.write("profiles.yml", profile[: profile.index("      plugins:")])
    text = refusal(stranger)

    assert "veil: target `prod` of profile `lakeside_clinic` has no plugin `veil.plugin`" in text
    assert "Add the lines that `veil init` prints" in text
    assert "Traceback" not in text


@pytest.fixture(scope="module")
def careless(lakeside: DbtProject) -> Iterator[str]:
    """The refusal of one build of a project in which several rules are broken at once."""
    project = copy_of(lakeside, lakeside.root.with_name(f"lakeside-{next(_numbers):04d}"))
    project.replace(
        "models/staging/_staging.yml",
        "          meta: {privacy_class: sensitive, privacy_type: diagnosis}",
        "          meta: {}",
    )
    project.write("models/reporting/raw_peek.sql", "select sex from {{ ref('stg_patients') }}\n")
    project.write(
        "models/deid/deid_by_hand.sql", "select chart_no as sex from {{ ref('stg_patients') }}\n"
    )
    project.write(
        "models/deid/_by_hand.yml",
        "models:\n  - name: deid_by_hand\n    columns:\n"
        "      - {name: sex, config: {meta: {privacy_mask: keep}}}\n",
    )
    project.write("models/reporting/classed.sql", "select sex from {{ ref('stg_patients') }}\n")
    project.write(
        "models/reporting/_classed.yml",
        "models:\n  - name: classed\n    config: {meta: {privacy_audience: board}}\n    columns:\n"
        "      - {name: sex, config: {meta: {privacy_class: non_sensitive, privacy_type: sex}}}\n",
    )
    yield refusal(project)
    shutil.rmtree(project.root, ignore_errors=True)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        pytest.param(
            "model `stg_visits` column `diagnosis` has no valid `privacy_class`",
            "Classify it",
            id="unclassified-column",
        ),
        pytest.param(
            "model `raw_peek` reads `stg_patients`, which holds personal data as delivered",
            "Read a pseudonymized model instead",
            id="reporting-reads-staging",
        ),
        pytest.param(
            "model `deid_by_hand` has masks in its YAML, but its SQL is not the one call",
            "veil.pseudonymize",
            id="masks-that-nothing-applies",
        ),
        pytest.param(
            "model `classed` has an audience, but also a `privacy_class`",
            "make two models of it",
            id="mart-that-poses-as-raw",
        ),
    ],
)
def test_broken_rule_is_refused_with_model_and_remedy(
    careless: str, line: str, remedy: str
) -> None:
    """Each broken rule is named before anything is built, with the model and the way out."""
    found = [text for text in careless.splitlines() if line in text]

    assert found
    assert remedy in found[0]


def test_seed_that_identifies_is_refused_and_its_mended_twin_loads(stranger: DbtProject) -> None:
    """Git keeps a seed in clear: with a direct identifier it is refused, without one it loads."""
    stranger.write("seeds/staff.csv", "badge,ward\nB-0001,Cardiology\n")
    declared = stranger.write(
        "seeds/_staff.yml",
        "seeds:\n  - name: staff\n    config: {column_types: {badge: varchar, ward: varchar}}\n"
        "    columns:\n"
        "      - name: badge\n"
        "        config: {meta: {privacy_class: direct_identifier, privacy_type: badge}}\n"
        "      - name: ward\n"
        "        config: {meta: {privacy_class: non_sensitive, privacy_type: category}}\n",
    )
    text = refusal(stranger, "--select", "staff")
    standing = "select count(*) from duckdb_tables() where table_name = 'staff'"
    loaded_before = stranger.rows(standing)
    declared.write_text(declared.read_text().replace("direct_identifier", "quasi_identifier"))
    outcome = stranger.dbt("seed", "--select", "staff")

    assert "veil: seed `staff` column `badge` is a direct identifier" in text
    assert "Deliver it as a file under data/, ignored by git, and declare a source" in text
    assert "B-0001" not in text
    assert loaded_before == [(0,)]
    assert outcome.ok, outcome.text
    assert stranger.rows(standing) == [(1,)]


def test_unclassified_staging_column_stops_its_model_too(stranger: DbtProject) -> None:
    """A column that the YAML lacks cannot slip in: the lineage names it and the way it came."""
    stranger.replace("models/staging/stg_visits.sql", "    ward,\n", "    ward,\n    visit_no,\n")
    text = refusal(stranger)

    assert "`stg_visits` column `visit_no`" in text
    assert "has no `privacy_class`" in text


# an attacker learns nothing


def test_strangers_files_hold_no_value_in_clear(lakeside: DbtProject) -> None:
    """No chart number, address or surname of the clinic stands in warehouse/, target/ or logs/."""
    wanted = [b"LC-00007", b"gus.juniper0@", b"312-555-0107"]
    held = (lakeside.root / "data" / "patients.csv").read_bytes()
    assert all(value in held for value in wanted)
    found = [
        (path.name, value)
        for folder in ("warehouse", "target", "logs", "published", "state")
        for path in (lakeside.root / folder).rglob("*")
        if path.is_file()
        for value in wanted
        if value in path.read_bytes()
    ]

    assert any((lakeside.root / "warehouse").iterdir())
    assert found == []
