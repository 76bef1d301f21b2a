"""Publishing: only what passed its gates in its present content is ever copied."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from harness import DbtProject, new_project
from veil.cli.recall import recall
from veil.errors import VeilError
from veil.keys import Keyring
from veil.warehouse.receipts import Receipt, insert_sql, valid_receipts
from veil.warehouse.release import file_digest

pytestmark = pytest.mark.project

MARTS = "models/marts/_marts.yml"
PYRAMID = "model.veil.population_pyramid"
OTHER = "open_data"
ALL_MARTS = [f"config.meta.privacy_audience:{one}" for one in (OTHER, "research")]


def snapshot(project: DbtProject) -> dict[str, bytes]:
    """Every published file by name, and where the audience's link points."""
    folder = project.root / "published" / "research"
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {**files, "link": str(folder.readlink()).encode()}


def held_line(project: DbtProject, *arguments: str) -> str:
    lines = [line for line in project.dbt(*arguments).lines if "keeps its previous release" in line]
    assert len(lines) == 1, lines
    return lines[0]


def test_release_names_every_file_with_its_digest(built: DbtProject) -> None:
    """RELEASE.json lists each file's SHA-256, each table's rows and the policy hash."""
    folder = built.root / "published" / "research"
    release = json.loads((folder / "RELEASE.json").read_text())

    assert set(release["files"]) == {path.name for path in folder.iterdir()} - {"RELEASE.json"}
    assert all(file_digest(folder / name) == digest for name, digest in release["files"].items())
    with built.published() as conn:
        for table in release["tables"]:
            assert conn.execute(f"select count(*) from {table['name']}").fetchall() == [
                (table["rows"],)
            ]
    assert len(release["policy_hash"]) == 64


def test_published_file_carries_descriptions(built: DbtProject) -> None:
    """Every table and every column of the file has its description as a comment."""
    with built.published() as conn:
        tables = conn.execute("select comment from duckdb_tables()").fetchall()
        columns = conn.execute("select comment from duckdb_columns() where not internal").fetchall()

    assert tables and columns
    assert all(comment for (comment,) in (*tables, *columns))


def test_published_file_opens_in_old_clients(built: DbtProject) -> None:
    """The storage version in the file's header is the one of DuckDB 1.2."""
    header = (built.root / "published" / "research.duckdb").read_bytes()[:20]

    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 65


def test_parquet_says_what_the_table_says(built: DbtProject) -> None:
    """The Parquet file beside the database holds the same rows."""
    folder = built.root / "published" / "research"
    with built.published() as conn:
        for (name,) in conn.execute("select table_name from duckdb_tables()").fetchall():
            extra = conn.execute(
                f"(from {name} except all from '{folder}/{name}.parquet') union all"
                f" (from '{folder}/{name}.parquet' except all from {name})"
            ).fetchall()

            assert extra == []


def test_another_keyring_gives_other_pseudonyms_and_the_same_marts(
    built: DbtProject, tmp_path: Path
) -> None:
    """Pseudonyms depend on the keyring; suppressed aggregates do not."""
    other = new_project(tmp_path / "other")
    assert other.dbt("build").ok
    tokens = "select distinct person_key from pseudonymized.main.psn_census"

    assert not set(built.rows(tokens)) & set(other.rows(tokens))
    names = [path.name for path in (built.root / "published" / "research").glob("*.parquet")]
    assert names
    for name in names:
        mine, theirs = (p.root / "published" / "research" / name for p in (built, other))
        assert mine.read_bytes() == theirs.read_bytes()


def test_failing_gate_keeps_table_and_release(project: DbtProject) -> None:
    """A cell below the threshold rolls its mart back; table and published file stay."""
    before = snapshot(project)
    rows = project.rows("from marts.main.population_pyramid order by all")
    project.write(
        "models/marts/population_pyramid.sql",
        "-- {{ ref('psn_census') }}\n"
        "select 2020 as census_year, 'Male' as sex, '0-9' as age_band,\n"
        "    cast(3 as bigint) as people_count\n",
    )

    outcome = project.dbt("build", "--select", "population_pyramid")
    message = outcome.messages[PYRAMID]

    assert outcome.results[PYRAMID] == "error"
    assert "`population_pyramid` is rolled back: its gate `no_small_cells`" in message
    assert project.rows("from marts.main.population_pyramid order by all") == rows
    assert snapshot(project) == before


def test_without_the_gate_the_small_cells_would_be_stored(project: DbtProject) -> None:
    """The attack twin: the same model, its hook taken away, stores cells of fewer than eleven."""
    project.write(
        "models/marts/population_pyramid.sql",
        "select census_year, sex, age_band, count(distinct person_key) as people_count\n"
        "from {{ ref('psn_census') }} group by census_year, sex, age_band\n",
    )
    project.replace("dbt_project.yml", '+post-hook: "{{ veil.gate_model() }}"', "+tags: []")
    project.replace("dbt_project.yml", 'on-run-start: "{{ veil.start_run() }}"', "")
    project.replace("dbt_project.yml", '+pre-hook: "{{ veil.check_model() }}"', "+tags: []")
    before = snapshot(project)

    outcome = project.dbt("run", "--select", "population_pyramid")
    assert "`veil.start_run()` did not let this run pass" in outcome.text
    small = "select count(*) from marts.main.population_pyramid where people_count < 11"
    assert project.rows(small)[0][0] > 0
    assert snapshot(project) == before, "even then nothing is published without a receipt"


def test_table_changed_by_hand_is_not_published(project: DbtProject) -> None:
    """A row changed in the warehouse after the gate holds the audience back."""
    before = snapshot(project)
    with project.connect() as conn:
        conn.execute("update marts.main.population_pyramid set people_count = 3")

    line = held_line(project, "run", "--select", "wic_participation")

    assert "`population_pyramid` has other content than its gates saw" in line
    assert snapshot(project) == before


def test_forged_receipt_opens_nothing(project: DbtProject) -> None:
    """A receipt written without the keyring's key is no receipt."""
    before = snapshot(project)
    with project.connect() as conn:
        conn.execute("update marts.main.population_pyramid set people_count = 3")
        conn.execute(
            "update marts.veil.receipts set body = replace(body, left(body, 40), left(body, 40)),"
            " mac = mac[:9] || repeat('0', 64) where mart like '%population_pyramid'"
        )

    line = held_line(project, "run", "--select", "wic_participation")

    assert "`population_pyramid` has no gate receipt" in line
    assert snapshot(project) == before


def test_receipt_of_another_mart_opens_nothing(project: DbtProject) -> None:
    """A valid receipt, copied under another mart's name, is no receipt."""
    keyring = Keyring.load(project.veil.keyring)
    with project.connect() as conn:
        conn.execute(f"update marts.veil.receipts set mart = '{PYRAMID}2' where mart = '{PYRAMID}'")

        assert PYRAMID not in valid_receipts(conn, keyring)
        assert f"{PYRAMID}2" not in valid_receipts(conn, keyring)


def test_receipt_survives_its_round_trip(project: DbtProject) -> None:
    """What is written is read back, quotes and all."""
    keyring = Keyring.load(project.veil.keyring)
    receipt = Receipt("m'x", '"a"."b"', "c" * 64, 3, "d" * 64, "e" * 64, ("no_small_cells",))
    with project.connect() as conn:
        for statement in insert_sql(receipt, keyring).split("; insert"):
            text = statement if statement.startswith("delete") else f"insert{statement}"
            conn.execute(text)

        assert valid_receipts(conn, keyring)["m'x"] == receipt


def test_mart_whose_yaml_changed_holds_its_audience(project: DbtProject) -> None:
    """After `--select`, a mart not built again is taken only if its definition is unchanged."""
    before = snapshot(project)
    project.replace(MARTS, "privacy_threshold: 11", "privacy_threshold: 12")

    line = held_line(project, "run", "--select", "wic_participation")

    assert "stands under another policy than when gated" in line
    assert snapshot(project) == before


def test_loosened_mask_upstream_holds_the_audience(project: DbtProject) -> None:
    """A changed treatment above a mart is another policy, also when the mart was not built."""
    project.replace(
        "models/pseudonymized/_pseudonymized.yml", "{width: 10, top: 90}", "{width: 2, top: 90}"
    )

    line = held_line(project, "run", "--select", "wic_participation")

    assert "stands under another policy than when gated" in line


def test_failed_ancestor_holds_the_audience(project: DbtProject) -> None:
    """Where a model above a mart failed in this run, nothing is swapped."""
    before = snapshot(project)
    project.replace(
        "models/raw/raw_wic.sql", "'integer') }} as enrolment", "'date') }} as enrolment"
    )

    line = held_line(project, "build")

    assert "`wic_participation`" in line
    assert snapshot(project) == before


def test_failed_test_on_a_mart_holds_the_audience(project: DbtProject) -> None:
    """An ordinary dbt test that fails on a mart holds its audience back too."""
    project.write(
        "tests/sql/assert_nothing.sql", "select * from {{ ref('population_pyramid') }} limit 1"
    )

    line = held_line(project, "build", "--select", "population_pyramid")

    assert "`population_pyramid` failed a test in this run" in line


@pytest.mark.parametrize("option", ["--empty", "--sample=1 day"])
def test_partial_run_builds_no_mart(project: DbtProject, option: str) -> None:
    """A run over part of the input that would build a mart stops before anything is built."""
    rows = project.rows("from marts.main.population_pyramid order by all")

    outcome = project.dbt("run", option)

    assert not outcome.ok
    assert f"`--exclude {' '.join(ALL_MARTS)}`" in outcome.text
    assert project.rows("from marts.main.population_pyramid order by all") == rows
    assert project.rows("select count(*) from identified.main.raw_wic") != [(0,)]


def test_partial_run_without_marts_publishes_nothing(project: DbtProject) -> None:
    """With the marts left out it builds the rest, and no mart stands on that until it is whole."""
    before = snapshot(project)
    outcome = project.dbt("run", "--empty", "--exclude", *ALL_MARTS)
    assert outcome.ok, outcome.text
    assert not any("veil: published" in line for line in outcome.lines)

    text = project.dbt("run", "--select", "population_pyramid").text

    assert "which was last built with `--empty` or `--sample`" in text
    assert snapshot(project) == before


@pytest.mark.parametrize(
    "command", [("test",), ("seed",), ("build", "--vars", "veil:publish: false")]
)
def test_other_commands_do_not_publish(project: DbtProject, command: tuple[str, ...]) -> None:
    """Only `build`, `run` and `retry` publish, and only where it is not turned off."""
    link = project.root / "published" / "research"
    link.unlink()

    outcome = project.dbt(*command)

    assert outcome.ok, outcome.text
    assert not link.exists()


def test_select_publishes_with_the_others_as_last_gated(project: DbtProject) -> None:
    """A build of one mart publishes the whole audience where the other marts are unchanged."""
    link = project.root / "published" / "research"
    link.unlink()

    assert project.dbt("build", "--select", "population_pyramid").ok
    with project.published() as conn:
        assert len(conn.execute("select 1 from duckdb_tables()").fetchall()) == 6


def test_open_reader_keeps_its_snapshot(project: DbtProject) -> None:
    """A reader that holds the old file open reads on; a new one sees the new file."""
    path = str(project.root / "published" / "research.duckdb")
    count = "select count(people_count) from population_pyramid"
    with duckdb.connect(path, read_only=True) as reader:
        shown = reader.execute(count).fetchall()
        project.replace(MARTS, "privacy_threshold: 11", "privacy_threshold: 14")
        assert project.dbt("build").ok

        assert reader.execute(count).fetchall() == shown
    with project.published() as conn:
        assert conn.execute(count).fetchall()[0][0] < shown[0][0]


def test_damaged_release_is_written_anew(project: DbtProject) -> None:
    """A published file that does not match its digest is replaced by the next build."""
    file = project.root / "published" / "research" / "population_pyramid.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])

    assert project.dbt("run", "--select", "population_pyramid").ok
    again = project.root / "published" / "research" / "population_pyramid.parquet"
    assert again.read_bytes() == whole


def test_foreign_file_in_the_way_is_not_replaced(project: DbtProject) -> None:
    """A file that veil did not write is left alone, with one clear line."""
    link = project.root / "published" / "research.duckdb"
    link.unlink()
    link.write_text("mine")

    outcome = project.dbt("run", "--select", "population_pyramid")

    assert not outcome.ok
    assert "published/research.duckdb was not written by veil" in outcome.text
    assert link.read_text() == "mine"


def _left(project: DbtProject) -> list[str]:
    """What is left in published/, the files of the other audience aside."""
    folder = project.veil.published
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()]
    return sorted(file for file in files if not file.removeprefix(".releases/").startswith(OTHER))


def _recall(project: DbtProject, *arguments: str) -> str:
    done = CliRunner().invoke(
        recall, ["research", "--project-dir", str(project.root), *arguments], standalone_mode=False
    )
    if done.exception is not None:
        raise done.exception
    return done.output


def test_a_recalled_release_is_gone_and_stays_gone(project: DbtProject) -> None:
    """Nothing of it is left, the next publish refuses the same tables, others are published."""
    said = _recall(project)
    again = project.dbt("run-operation", "veil.publish")
    left = _left(project)
    with pytest.raises(VeilError, match="has no release"):
        _recall(project)
    project.replace("models/marts/_marts.yml", "privacy_threshold: 11", "privacy_threshold: 12")
    mended = project.dbt("build", "--select", "marts")

    assert "was taken back" in said
    assert not again.ok
    assert any("are not published again" in line for line in again.lines)
    assert left == []
    assert mended.ok, mended.text
    assert (project.veil.published / "research.duckdb").exists()


def test_a_recall_can_be_lifted(project: DbtProject) -> None:
    """A recall by mistake: the same tables are published again once somebody says so."""
    with pytest.raises(VeilError, match="was taken back"):
        _recall(project, "--lift")
    _recall(project)
    _recall(project, "--lift")
    again = project.dbt("run-operation", "veil.publish")

    assert again.ok, again.text
    assert (project.veil.published / "research.duckdb").exists()


def test_a_recall_that_was_killed_is_taken_up_again(project: DbtProject) -> None:
    """RELEASE.json goes last: what is left half removed still names its release."""
    folder = (project.veil.published / "research").resolve()
    for path in folder.iterdir():
        if path.name != "RELEASE.json":
            path.unlink()
    _recall(project)

    assert not folder.exists()
    assert not (project.veil.published / "research.duckdb").is_symlink()


def _put_back(project: DbtProject, aside: Path) -> None:
    """Copy published/ as it was before over what is there, links as links."""
    shutil.rmtree(project.veil.published)
    shutil.copytree(aside, project.veil.published, symlinks=True)


def test_a_recalled_release_that_was_put_back_is_taken_away(
    project: DbtProject, tmp_path: Path
) -> None:
    """The tables are those of the marts, and nothing changed: it is refused and removed."""
    shutil.copytree(project.veil.published, tmp_path / "aside", symlinks=True)
    _recall(project)
    _put_back(project, tmp_path / "aside")

    again = project.dbt("run-operation", "veil.publish")

    assert not again.ok
    assert "stood in published/: it is removed" in again.text
    assert "are not published again" in again.text
    assert _left(project) == []


def test_a_recalled_release_goes_also_when_its_audience_is_held(
    project: DbtProject, tmp_path: Path
) -> None:
    """The marts were changed and not built whole; what was put back does not stay meanwhile."""
    shutil.copytree(project.veil.published, tmp_path / "aside", symlinks=True)
    _recall(project)
    _put_back(project, tmp_path / "aside")
    project.replace(MARTS, "privacy_threshold: 11", "privacy_threshold: 12")

    outcome = project.dbt("run", "--select", "wic_participation")

    assert outcome.ok, outcome.text
    assert "stood in published/: it is removed" in outcome.text
    assert "audience `research` has no release yet" in outcome.text
    assert _left(project) == []
