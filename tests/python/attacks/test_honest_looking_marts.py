"""Marts whose YAML looks honest and whose rows are not: each is refused."""

from __future__ import annotations

import pytest

from harness import DbtProject

pytestmark = pytest.mark.project

MART = "models/marts/wic_participation.sql"
NODE = "model.veil.wic_participation"
YAML = "models/marts/_marts.yml"
GRAIN = "grain: [decade, participant, race_group]"


def mart(project: DbtProject, select: str, columns: dict[str, str], gate: str) -> None:
    """Replace the mart `wic_participation`: its SQL, its columns and the arguments of its gate."""
    project.write(MART, select + " -- {{ ref('psn_wic') }}\n")
    text = (project.root / YAML).read_text()
    head, name, tail = text.partition("  - name: wic_participation\n")
    rest = tail.partition("\n  - name: ")
    body = rest[0].partition("    columns:\n")[0] + "    columns:\n"
    for column, data_type in columns.items():
        body += f"      - name: {column}\n        data_type: {data_type}\n"
    body += f"    data_tests:\n      - veil.no_small_cells:\n          arguments: {{{gate}}}\n"
    project.write(YAML, head + name + body + "".join(rest[1:]))


CELL = {"sex": "varchar", "people_count": "bigint"}
DISHONEST = {
    "a second count below the threshold": (
        "select 'F' as sex, 37::bigint as people_count, 1::bigint as sick_count",
        {**CELL, "sick_count": "bigint"},
        "count_column: people_count, grain: [sex]",
    ),
    "a mean in the grain": (
        "select 'M' as sex, null::bigint as people_count, 6206.5::double as wage_mean",
        {**CELL, "wage_mean": "double"},
        "count_column: people_count, grain: [sex, wage_mean]",
    ),
    "a count that is not a number": (
        "select 'M' as sex, 'nan'::double as people_count, 6206::bigint as wage_mean",
        {**CELL, "people_count": "double", "wage_mean": "bigint"},
        "count_column: people_count, grain: [sex], magnitudes: [wage_mean]",
    ),
    "a row number in the grain": (
        "select 'F' as sex, 37::bigint as people_count union all select 'F', 36",
        CELL,
        "count_column: people_count, grain: [sex, rowid]",
    ),
    "a count that is part of the grain": (
        "select 'F' as sex, 2::bigint as people_count",
        CELL,
        "count_column: people_count, grain: [sex, people_count]",
    ),
    "a quote in a name of the grain": (
        "select 'F' as sex, 37::bigint as people_count union all select 'F', 36",
        CELL,
        "count_column: people_count, grain: ['sex\", random() --']",
    ),
}


@pytest.mark.parametrize("trick", DISHONEST)
def test_dishonest_mart_is_rolled_back(project: DbtProject, trick: str) -> None:
    """The gate judges what the table holds, not what its YAML calls it."""
    before = project.rows("from marts.main.wic_participation order by all")
    mart(project, *DISHONEST[trick])

    outcome = project.dbt("build", "--select", "wic_participation")

    assert outcome.results[NODE] == "error", outcome.text
    assert "no_small_cells" in outcome.messages[NODE]
    assert project.rows("from marts.main.wic_participation order by all") == before


def test_names_in_other_letters_are_the_same_column(project: DbtProject) -> None:
    """DuckDB does not tell `SEX` from `sex`, and neither does the gate."""
    mart(
        project,
        "select 'F' as sex, 37::bigint as people_count",
        CELL,
        "count_column: People_Count, grain: [SEX]",
    )

    assert project.dbt("build", "--select", "wic_participation").ok


@pytest.mark.parametrize(
    "expression",
    ["max(age)", "any_value( race_group )", "count(distinct person_key) filter (where age < 1)"],
)
def test_guard_takes_no_aggregate_that_shows_one_person(
    project: DbtProject, expression: str
) -> None:
    """What a guard cannot cover is refused while compiling, with the way out."""
    project.write(
        MART,
        "select race_group, {{ veil.suppress_small('" + expression + "') }} as people_count\n"
        "from {{ ref('psn_wic') }} group by race_group\n",
    )

    outcome = project.dbt("build", "--select", "wic_participation")

    assert not outcome.ok
    assert "model `wic_participation` guards" in outcome.text


def test_condition_of_a_measure_is_part_of_its_guard(project: DbtProject) -> None:
    """`where` narrows the guard with the measure: a few among many stay hidden."""
    mart(
        project,
        "select race_group as sex,"
        " {{ veil.suppress_small('count(distinct person_key)') }} as people_count,"
        " {{ veil.suppress_small('count(distinct person_key)', where='age < 1') }} as infants"
        " from {{ ref('psn_wic') }} group by race_group",
        {**CELL, "infants": "bigint"},
        "count_column: people_count, grain: [sex]",
    )

    assert project.dbt("build", "--select", "wic_participation").ok
    true = dict(
        project.rows(
            "select race_group, count(distinct person_key) filter (where age < 1)"
            " from pseudonymized.main.psn_wic group by race_group"
        )
    )
    shown = project.rows("select sex, infants from marts.main.wic_participation")
    assert all(n == (true[sex] if true[sex] >= 11 else None) for sex, n in shown)


def test_partial_build_cannot_replace_a_release(project: DbtProject) -> None:
    """A mart built whole from a table that `--empty` left gets no receipt."""
    before = (project.root / "published" / "research").readlink()
    marts = [f"config.meta.privacy_audience:{one}" for one in ("research", "open_data")]
    empty = project.dbt("run", "--empty", "--exclude", *marts)

    outcome = project.dbt("run", "--select", "wic_participation")

    assert empty.ok, empty.text
    assert outcome.results[NODE] == "error"
    assert "last built with `--empty` or `--sample`" in outcome.messages[NODE]
    assert (project.root / "published" / "research").readlink() == before
    assert project.dbt("build").ok


@pytest.mark.parametrize(
    "name", ["default__mask_pseudonym(column, spec)", "duckdb__gate_model()", "default__typed(a)"]
)
def test_macro_in_another_package_cannot_take_a_masks_place(project: DbtProject, name: str) -> None:
    """A stray implementation of a veil macro in an installed package stops the run."""
    project.write("dbt_packages/other/dbt_project.yml", "name: other\nversion: 1.0.0\n")
    project.write(
        "dbt_packages/other/macros/x.sql", f"{{% macro {name} %}}column{{% endmacro %}}\n"
    )

    outcome = project.dbt("build")

    assert not outcome.ok
    assert "would take the place of the package's own" in outcome.text


def test_forged_file_list_is_noticed(project: DbtProject) -> None:
    """A release whose list of files was emptied, or with a stray file in it, is written anew."""
    import json

    folder = project.root / "published" / "research"
    note = json.loads((folder / "RELEASE.json").read_text())
    (folder / "RELEASE.json").write_text(json.dumps({**note, "files": {}}))
    (folder / "evil.csv").write_text("a\n")

    assert project.dbt("run", "--select", "wic_participation").ok
    assert not (project.root / "published" / "research" / "evil.csv").exists()


def test_uncommitted_changes_are_told(project: DbtProject) -> None:
    """RELEASE.json does not give a commit that did not make it without saying so."""
    import json
    import subprocess

    def release() -> dict[str, object]:
        project.dbt("run", "--select", "wic_participation")
        text = (project.root / "published" / "research" / "RELEASE.json").read_text()
        return dict(json.loads(text))

    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    project.write(".gitignore", "/target\n/logs\n/warehouse\n/published\n/state\n/profiles.yml\n")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *arguments], cwd=project.root, check=True)

    clean = release()
    project.write("models/marts/note.md", "changed\n")
    changed = release()

    assert clean["commit"] == changed["commit"]
    assert (clean["uncommitted_changes"], changed["uncommitted_changes"]) == (False, True)
