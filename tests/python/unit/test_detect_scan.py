"""`veil scan` over files and seeds, without dbt: verdicts, findings, drafts, and no value ever."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner, Result

from detect_corpus import PERSONAL, values
from veil.cli.scan import scan
from veil.detect import Target, extras
from veil.detect.targets import Place
from veil.errors import EXIT_FINDING, UsageError, VeilError
from veil.project import Project
from veil.warehouse.sampling import open_sampler

CANARY = "canary.owl7@example.org"
YAML = """
version: 2
seeds:
  - name: people
    columns:
      - name: contact
        config:
          meta: {privacy_class: CLASS, privacy_type: category}
      - name: ward
        config:
          meta: {privacy_class: non_sensitive, privacy_type: category}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one seed: forty e-mail addresses, the canary among them, and a ward."""
    root = tmp_path / "project"
    (root / "seeds").mkdir(parents=True)
    (root / "dbt_project.yml").write_text("name: clinic\nprofile: clinic\n")
    addresses = [*values(PERSONAL["e-mail"][1], 39, seed=1), CANARY]
    lines = "".join(f"{address},{'AB'[at % 2]}\n" for at, address in enumerate(addresses))
    (root / "seeds" / "people.csv").write_text(f"contact,ward\n{lines}")
    declare(root, "direct_identifier")
    return root


def declare(root: Path, privacy_class: str) -> None:
    (root / "seeds" / "people.yml").write_text(YAML.replace("CLASS", privacy_class))


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(scan, [*arguments, "--project-dir", str(root)])


def columns(result: Result) -> dict[str, dict[str, object]]:
    tables = json.loads(result.stdout)["tables"]
    return {column["name"]: column for table in tables for column in table["columns"]}


def test_seeds_are_scanned_before_dbt_ever_ran(root: Path) -> None:
    """Without a manifest the CSV files and their plain YAML are read."""
    result = run(root, "--json")
    found = columns(result)

    assert result.exit_code == 0, result.output
    assert found["contact"]["privacy_type"] == "email"
    assert found["contact"]["declared_class"] == "direct_identifier"
    assert found["contact"]["hits"] == found["contact"]["tried"] == 40


def test_seed_that_is_newer_than_the_manifest_is_scanned(root: Path) -> None:
    """dbt has not seen the file yet; the scan has."""
    (root / "target").mkdir()
    (root / "target" / "manifest.json").write_text('{"nodes": {}, "sources": {}}')

    assert set(columns(run(root, "--json"))) == {"contact", "ward"}


@pytest.mark.parametrize(
    "location", ["data/{name}.csv", "read_csv('data/{name}.csv', all_varchar = true)"]
)
def test_source_is_read_where_its_yaml_says(root: Path, location: str) -> None:
    """As dbt-duckdb reads it, from the project's root, whatever the working folder."""
    (root / "data").mkdir()
    (root / "data" / "visits.csv").write_text("mail\n" + f"{CANARY}\nb.b@example.org\n" * 3)
    meta = {"privacy_class": "non_sensitive", "privacy_type": "category"}
    source = {
        "unique_id": "source.clinic.lab.visits",
        "resource_type": "source",
        "source_name": "lab",
        "name": "visits",
        "database": "memory",
        "schema": "lab",
        "config": {"meta": {"external_location": location}},
        "original_file_path": "models/_lab.yml",
        "columns": {"mail": {"name": "mail", "config": {"meta": meta}}},
    }
    (root / "target").mkdir()
    (root / "target" / "manifest.json").write_text(
        json.dumps({"nodes": {}, "sources": {source["unique_id"]: source}})
    )

    result = run(root, "lab.visits")

    assert result.exit_code == EXIT_FINDING
    assert "error [class_too_low] models/_lab.yml" in result.output
    assert "source `lab.visits` column `mail`" in result.output


@pytest.mark.parametrize("declared", ["non_sensitive", "quasi_identifier", "sensitive"])
def test_class_that_is_too_low_ends_with_exit_code_one(root: Path, declared: str) -> None:
    """The finding names seed, column, what it holds and what to set."""
    declare(root, declared)

    result = run(root)

    assert result.exit_code == EXIT_FINDING
    assert "seed `people` column `contact`" in result.output
    assert "Set `privacy_class: direct_identifier` and `privacy_type: email`" in result.output
    assert "error [class_too_low] seeds/people.yml" in result.output


def test_column_that_nobody_classified_is_a_warning(root: Path) -> None:
    """A classified seed with one more column: said, and no reason to stop."""
    path = root / "seeds" / "people.csv"
    path.write_text(path.read_text().replace("contact,ward", "mail,ward"))

    result = run(root)

    assert result.exit_code == 0
    assert "unclassified_column" in result.output


def test_draft_is_a_properties_file_that_a_scan_accepts(root: Path, tmp_path: Path) -> None:
    """What `--write` proposes for an undeclared seed holds under the next scan."""
    (root / "seeds" / "people.yml").unlink()
    draft = root / "seeds" / "draft.yml"

    written = run(root, "--write", str(draft))
    loaded = yaml.safe_load(draft.read_text())
    again = run(root)

    assert written.exit_code == again.exit_code == 0, written.output
    (seed,) = loaded["seeds"]
    assert seed["config"]["column_types"] == {"contact": "varchar", "ward": "varchar"}
    assert seed["columns"][0]["config"]["meta"] == {
        "privacy_class": "direct_identifier",
        "privacy_type": "email",
    }


def test_draft_keeps_what_is_declared_unless_it_is_too_low(root: Path) -> None:
    """The person's word stays for `ward`; `contact` is raised, with the old class beside it."""
    declare(root, "non_sensitive")
    draft = root / "draft.yml"

    run(root, "--write", str(draft))
    first, second = yaml.safe_load(draft.read_text())["seeds"][0]["columns"]

    assert first["config"]["meta"]["privacy_class"] == "direct_identifier"
    assert "declared non_sensitive" in draft.read_text()
    assert second["config"]["meta"] == {
        "privacy_class": "non_sensitive",
        "privacy_type": "category",
    }


def test_draft_never_overwrites_a_file(root: Path) -> None:
    """A file of that name stays as it is, and nothing is scanned."""
    draft = root / "draft.yml"
    draft.write_text("mine")

    result = run(root, "--write", str(draft))

    assert isinstance(result.exception, UsageError)
    assert draft.read_text() == "mine"


def test_odd_column_names_make_a_draft_that_yaml_reads(root: Path) -> None:
    """Braces, quotes, colons and words that YAML takes for truth values."""
    names = ["a: b", "x{y}, z", 'say "so"', "yes", "# no", "null", "ünï", "- d", "1e3x"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    (root / "seeds" / "odd.csv").write_text(header + "\n" + ",".join("v" for _ in names) + "\n")
    draft = root / "draft.yml"

    result = run(root, "odd", "--write", str(draft))
    (seed,) = yaml.safe_load(draft.read_text())["seeds"]

    assert result.exit_code == 0, result.output
    assert [column["name"] for column in seed["columns"]] == names
    assert sorted(seed["config"]["column_types"]) == sorted(names)


def test_file_is_scanned_and_drafted_as_a_source(root: Path) -> None:
    """A Parquet file inside the project becomes a source with its location."""
    (root / "data").mkdir()
    file = root / "data" / "visits.parquet"
    with duckdb.connect() as conn:
        conn.execute(
            f"copy (select date '1960-01-01' + (range * 31)::int as born, range::int as n,"
            f" 'x' || range || '@example.org' as m from range(50)) to '{file}' (format parquet)"
        )
    draft = root / "draft.yml"

    result = run(root, str(file), "--write", str(draft))
    (source,) = yaml.safe_load(draft.read_text())["sources"]
    (table,) = source["tables"]

    assert result.exit_code == 0, result.output
    assert table["config"]["meta"] == {"external_location": "data/visits.parquet"}
    assert [one["config"]["meta"]["privacy_type"] for one in table["columns"]] == [
        "date_of_birth",
        "number",
        "email",
    ]


def test_unknown_name_is_a_usage_error(root: Path) -> None:
    """Neither a seed nor a file."""
    assert isinstance(run(root, "nobody").exception, UsageError)


def test_masked_needs_to_know_what_is_masked(root: Path) -> None:
    """Without a manifest `--masked` says how to get one."""
    error = run(root, "--masked").exception

    assert isinstance(error, VeilError)
    assert "dbt build" in str(error)


def test_broken_file_is_named_and_not_quoted(root: Path) -> None:
    """DuckDB quotes the line that it cannot read; the finding does not, and the rest is scanned."""
    (root / "seeds" / "broken.csv").write_bytes(b"mail\n\xff\xfe" + CANARY.encode() + b"\n")

    result = run(root)

    assert result.exit_code == 0
    assert "seed `broken` cannot be read." in result.output
    assert "contact" in result.output
    assert "owl7" not in result.output


def test_named_file_that_cannot_be_read_stops_the_scan(root: Path) -> None:
    """The error's chain holds no text of DuckDB's either."""
    (root / "seeds" / "broken.csv").write_bytes(b"mail\n\xff\xfe" + CANARY.encode() + b"\n")

    error = run(root, "broken").exception

    assert isinstance(error, VeilError)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_file_without_a_header_prints_no_value(root: Path) -> None:
    """The first row is not taken for the names of columns."""
    (root / "seeds" / "bare.csv").write_text(f"{CANARY},1\nb@example.org,2\n")

    result = run(root)

    assert "has no header" in result.output
    assert "owl7" not in result.output


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--sample", "5"], ["people"]])
def test_no_output_holds_a_value(root: Path, arguments: list[str]) -> None:
    """Not on the console, in JSON, SARIF or the draft; classes too low, so that all is said."""
    declare(root, "non_sensitive")
    sarif, draft = root / "out.sarif", root / "draft.yml"

    result = run(root, *arguments, "--sarif", str(sarif), "--write", str(draft))
    said = result.output + sarif.read_text() + draft.read_text()
    cells = {
        line.split(",")[0] for line in (root / "seeds" / "people.csv").read_text().splitlines()
    } - {"contact"}

    assert result.exit_code == EXIT_FINDING
    assert json.loads(sarif.read_text())["runs"][0]["results"]
    assert [cell for cell in cells if cell in said] == []


def test_absent_library_stops_the_scan_at_its_beginning(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the extra to install."""

    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(extras, "import_module", absent)
    error = run(root).exception

    assert isinstance(error, VeilError)
    assert "dbt-veil[scan]" in str(error)


TYPES = """
    select true as b, 1::tinyint as i, 1::hugeint as h, 1.5::double as d, 1.50::decimal(9, 2) as c,
        'x' as s, 'a@example.org'::blob as bl, date '2000-01-01' as da, time '10:00' as ti,
        timestamp '2000-01-01 10:00' as ts, timestamptz '2000-01-01 10:00:00+00' as tz,
        interval 1 day as iv, uuid() as u, [1, 2] as li, {'mail': 'bob.b@example.org'} as st,
        map {'k': 1} as ma, '101'::bit as bi, 'on'::enum('on', 'off') as en, null as nu,
        union_value(n := 1) as un, '{"a": 1}'::json as js, [1, 2]::int[2] as ar, 1::ubigint as ub
"""


def sampled(root: Path, file: Path, rows: int) -> list[tuple[str, str, int, int]]:
    target = Target("t", "file", Place(file=file))
    with open_sampler(Project(root), [target]) as sampler:
        table = sampler.sample(target, rows=rows)
    return [(one.name, one.data_type, one.filled, len(one.values)) for one in table.columns]


def test_columns_of_every_type_are_sampled(root: Path, tmp_path: Path) -> None:
    """Lists, structs, maps, blobs and times: each becomes text, NULL nothing."""
    file = tmp_path / "types.parquet"
    with duckdb.connect() as conn:
        names = [row[0] for row in conn.execute(f"describe {TYPES}").fetchall()]
        kept = ", ".join(name for name in names if name not in {"un", "bi"})
        conn.execute(f"copy (select {kept} from ({TYPES})) to '{file}' (format parquet)")

    found = sampled(root, file, 10)
    result = run(root, str(file))

    assert result.exit_code == 0, result.output
    assert len(found) == len(names) - 2
    assert {name for name, _, filled, _ in found if not filled} == {"nu"}


@pytest.mark.parametrize("text", ["a,b\n", "a,b\n,\n,\n", "a\n" + "x" * 1_500_000 + "\n"])
def test_empty_tables_and_huge_cells_are_sampled(root: Path, tmp_path: Path, text: str) -> None:
    """No row, rows of NULL, a cell of 1.5 million characters."""
    file = tmp_path / "t.csv"
    file.write_text(text)

    result = run(root, str(file))

    assert result.exit_code == 0, result.output


def test_sample_is_of_the_asked_size_and_the_same_each_time(root: Path, tmp_path: Path) -> None:
    """A reservoir with a fixed seed."""
    file = tmp_path / "t.parquet"
    with duckdb.connect() as conn:
        conn.execute(f"copy (select range as n from range(300000)) to '{file}' (format parquet)")
    target = Target("t", "file", Place(file=file))

    drawn = []
    for _ in range(2):
        with open_sampler(Project(root), [target]) as sampler:
            drawn.append(sampler.sample(target, rows=500).columns[0].values)

    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 500
    assert max(map(int, drawn[0])) > 250_000


def test_scan_reads_no_file_that_was_not_asked_for(root: Path, tmp_path: Path) -> None:
    """A source whose location lies outside the project's folders is refused."""
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    target = Target("s.t", "source", Place(external=f"'{outside}'"))

    with (
        open_sampler(Project(root), [target]) as sampler,
        pytest.raises(VeilError, match=r"source `s\.t` cannot be read"),
    ):
        sampler.sample(target, rows=10)
