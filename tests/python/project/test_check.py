"""`veil check` over real projects, beside what dbt itself compiles and what a build says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot
from click.testing import CliRunner, Result

from harness import ROOT, DbtProject, new_stranger
from veil.check import project as checking
from veil.check.manifest import Profile, parse_project
from veil.check.parsed import Parsed
from veil.check.render import Renderer, with_ephemeral
from veil.cli.check import check
from veil.errors import VeilError

pytestmark = pytest.mark.project

LEAK = """
select sex, min(person_key) as people_count
from {{ ref('psn_census') }}
group by sex
"""
YAML = """
version: 2
models:
  - name: leaky
    config:
      contract: {enforced: true}
      meta:
        privacy_audience: research
        privacy_population: Residents
        privacy_release: suppressed
        privacy_unit: person_key
    columns:
      - {name: sex, data_type: varchar}
      - {name: people_count, data_type: varchar}
    data_tests:
      - veil.no_small_cells: {count_column: people_count, grain: [sex]}
"""
MACROS = """
{% macro twice(n) -%}
    {{ caller() }} + {{ caller() }} * {{ n }}
{%- endmacro %}

{% macro numbers() %}{{ return([1, 2, 3]) }}{% endmacro %}

{% macro joined(sep=', ') %}
    {%- for one in varargs %}{{ one }}{{ sep if not loop.last }}{% endfor -%}
{% endmacro %}

{% macro shape(x) %}{{ return(adapter.dispatch('shape', 'veil')(x)) }}{% endmacro %}
{% macro default__shape(x) %}d({{ x }}){% endmacro %}
{% macro duckdb__shape(x) %}({{ x }}){% endmacro %}
"""
EXTRAS = {
    "e_one": """{{ config(materialized='ephemeral') }}
select person_key, sex from {{ ref('psn_census') }}""",
    "e_two": """{{ config(materialized='ephemeral') }}
-- counted
with inner_one as (select * from {{ ref('e_one') }})
select sex, count(*) as n from inner_one group by sex""",
    "uses_both": """/* with a comment */
with own as (select 1 as x)
select * from {{ ref('e_two') }} cross join own cross join {{ ref('e_one') }}""",
    "plain_over": "select n from {{ ref('e_two') }}",
    "recursive_over": """
with recursive r as (select 1 as i union all select i + 1 from r where i < 3)
select * from r, {{ ref('e_one') }}""",
    "grows": """{{ config(materialized='incremental', unique_key='person_key') }}
select person_key, year from {{ ref('psn_census') }}
{%- if is_incremental() %}
where year > (select max(year) from {{ this }})
{% endif %}""",
    "words": """{%- set names = ['a', 'b'] -%}
{% set block %}
    one {{ names | join('-') }}
{% endset %}
select
    {% call twice(3) %}1{% endcall %} as called,
    {{ joined(1, 2, 3) }},
    {{ shape('4') }} as shaped,
    {% for n in numbers() if n != 2 -%}
        {{ n }} as c{{ loop.index }}{{ "," if not loop.last }}
    {%- endfor %},
    '{{ block | trim }}' as t, {# gone #}
    {{ dbt.type_string() }} {{ dbt.type_timestamp() }} {{ dbt.type_int() }},
    {{ dbt.dateadd('day', 1, 'd') }}, {{ dbt.datediff('a', 'b', 'month') }},
    {{ dbt.concat(['a', 'b']) }}, {{ dbt.hash('a') }}, {{ dbt.safe_cast('a', 'int') }},
    {{ dbt.date_trunc('year', 'd') }}, {{ dbt.split_part('a', "','", 2) }},
    {{ dbt.listagg('a', "','") }}, {{ dbt.string_literal("its") }},
    '{{ dbt.escape_single_quotes("it's") }}',
    '{{ var("veil:threshold", 11) }} {{ target.name }} {{ this }} {{ model.name }}'
from {{ ref('psn_census') }}""",
}


def run(root: Path, *arguments: str) -> Result:
    from veil.cli.main import cli

    if "check" not in cli.commands:
        cli.add_command(check)
    return CliRunner().invoke(check, ["--project-dir", str(root), *arguments])


def words(sql: str) -> list[str]:
    return [token.text for token in sqlglot.tokenize(sql, read="duckdb")]


def differing(project: DbtProject, target: str = "dev") -> tuple[list[str], int]:
    """Models whose SQL, rendered without dbt, is not what dbt compiled; and how many there are."""
    profile = Profile.find(project.veil, os.environ)
    parsed = Parsed(
        json.loads(parse_project(project.veil, profile, target=target, environ=os.environ))
    )
    manifest = json.loads((project.root / "target" / "manifest.json").read_text())
    renderer = Renderer(
        parsed,
        columns=lambda unique_id: [
            (name, one.get("data_type") or "")
            for name, one in parsed.nodes[unique_id]["columns"].items()
        ],
        environ=os.environ,
        plugins=profile.plugins(target),
    )

    def front(ephemeral: tuple[str, ...]) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for one in ephemeral:
            done = renderer.render(parsed.nodes[one])
            found |= {**front(done.ephemeral), one: (parsed.nodes[one]["name"], done.sqls[0])}
        return found

    wrong, count = [], 0
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] not in {"model", "snapshot"} or not node.get("compiled_code"):
            continue
        count += 1
        done = renderer.render(parsed.nodes[unique_id])
        sqls = [with_ephemeral(sql, front(done.ephemeral).values()) for sql in done.sqls[:1]]
        if [words(sql) for sql in sqls] != [words(node["compiled_code"])]:
            wrong.append(unique_id)
    return wrong, count


def tree(root: Path) -> dict[str, str]:
    """Every file outside target/veil, by content."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_relative_to(root / "target" / "veil")
    }


def without_warehouse(project: DbtProject) -> Path:
    """Neither a key nor a table is left."""
    for name in ("state", "warehouse", "published", "target", "logs"):
        shutil.rmtree(project.root / name, ignore_errors=True)
    return project.root


def add_leak(project: DbtProject) -> None:
    project.write("models/marts/leaky.sql", LEAK)
    project.write("models/marts/_leaky.yml", YAML)


def test_the_demo_is_rendered_word_for_word_as_dbt_compiles_it(built: DbtProject) -> None:
    """Every model of a green build."""
    wrong, count = differing(built)

    assert (wrong, count) == ([], 19)


def test_hard_templates_are_rendered_word_for_word_as_dbt_compiles_them(
    project: DbtProject,
) -> None:
    """Ephemeral models, an incremental one, macros by call, dispatch and return, dbt's own."""
    project.write("macros/extra.sql", MACROS)
    for name, code in EXTRAS.items():
        project.write(f"models/pseudonymized/{name}.sql", code)
    # Without the plugin, which would refuse macros of its own package that it does not know.
    outcome = project.dbt("compile", "--target", "lint", "--select", "pseudonymized")
    assert outcome.ok, outcome.text
    wrong, count = differing(project, "lint")

    assert wrong == []
    assert count == 5 + len(EXTRAS)


def test_a_strangers_project_is_fine_and_rendered_as_dbt_compiles_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The project in integration_tests/, which installs veil as a package."""
    stranger = new_stranger(tmp_path_factory.mktemp("check") / "lakeside")
    outcome = stranger.dbt("compile")
    assert outcome.ok, outcome.text
    wrong, count = differing(stranger, "prod")
    done = run(without_warehouse(stranger))

    assert (wrong, count) == ([], 9)
    assert done.exit_code == 0, done.output
    assert "veil check: 9 models, 0 findings" in done.output


def test_a_leak_is_found_without_keys_and_warehouse_in_the_words_of_a_build(
    project: DbtProject,
) -> None:
    """The same line, and nothing but target/veil/ is touched."""
    add_leak(project)
    outcome = project.dbt("build", "--select", "leaky")
    root = without_warehouse(project)
    before = tree(root)
    done = run(root, "--json")
    (found,) = [one for one in json.loads(done.output)["findings"] if one["path"]]

    assert not outcome.ok
    assert done.exit_code == 1
    assert (found["rule"], found["model"]) == ("pseudonym", "leaky")
    assert found["message"] in outcome.text
    assert found["remedy"] in outcome.text
    assert tree(root) == before
    assert not (root / "state").exists()


def test_a_changed_model_needs_no_dbt(project: DbtProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one whole check a leak is found from the model's SQL alone; YAML asks dbt again."""
    root = without_warehouse(project)
    assert run(root).exit_code == 0

    def forbidden(*_args: object, **_kwargs: object) -> bytes:
        raise VeilError("dbt was started.")

    monkeypatch.setattr(checking, "parse_project", forbidden)
    project.replace(
        "models/marts/population_pyramid.sql", "select\n", "select\n    min(person_key) as x,\n"
    )
    leaky = run(root)
    project.write("models/marts/_more.yml", "version: 2\n")
    yaml = run(root)

    assert leaky.exit_code == 1, leaky.output
    assert "error [pseudonym] models/marts/population_pyramid.sql" in leaky.output
    assert isinstance(yaml.exception, VeilError)


def test_a_warm_check_imports_neither_dbt_nor_the_engine(project: DbtProject) -> None:
    """What takes seconds to import stays on disk."""
    root = without_warehouse(project)
    assert run(root).exit_code == 0
    code = (
        "import sys\nfrom veil.cli.check import check\n"
        "try: check.main(sys.argv[1:], standalone_mode=False)\n"
        "finally: print([m for m in ('dbt', 'duckdb', 'pyarrow', 'polars', 'numpy')"
        " if m in sys.modules])"
    )
    path = os.pathsep.join([str(ROOT / "python_udfs"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code, "--project-dir", str(root)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )

    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert "veil check: 19 models, 0 findings" in done.stdout


def test_what_dbt_cannot_parse_is_said_without_a_value(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason and the way out; neither the YAML's text nor the environment's."""
    monkeypatch.setenv("STAGE", "canary-in-the-environment")
    root = without_warehouse(project)
    project.write(
        "models/marts/broken.sql",
        "select '{{ env_var('STAGE') }}' from {{ ref('nowhere') }} where x = 'canary-literal'",
    )
    done = run(root)

    assert isinstance(done.exception, VeilError)
    assert done.exception.exit_code == 3
    assert "depends on a node named 'nowhere' which was not found" in str(done.exception)
    assert "canary" not in str(done.exception)


def test_a_project_without_a_profile_is_told_so(project: DbtProject) -> None:
    """`veil init` writes one."""
    root = without_warehouse(project)
    (root / "profiles.yml").unlink()
    done = run(root)

    assert isinstance(done.exception, VeilError)
    assert "veil init" in str(done.exception)


def test_a_profile_s_secrets_are_not_needed_and_not_copied(project: DbtProject) -> None:
    """Everything but the name, the targets and the schema stays where it is."""
    root = without_warehouse(project)
    project.write(
        "profiles.yml",
        "veil:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      path: x.duckdb\n"
        "      secrets: [{type: s3, key_id: canary-key, secret: \"{{ env_var('NOT_SET') }}\"}]\n"
        "      plugins: [{module: veil.plugin, alias: veil}]\n",
    )
    done = run(root)
    written = b"".join(path.read_bytes() for path in (root / "target").rglob("*") if path.is_file())

    assert done.exit_code == 0, done.output
    assert b"canary-key" not in written
    assert not (root / "x.duckdb").exists()
