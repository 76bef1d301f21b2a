"""`veil check` beside `dbt parse` and `dbt compile`, over one generated project.

    python benchmarks/check.py --models 1000

Prints a Markdown table. Each command is a process of its own; time is wall-clock, memory the
largest resident set of any process in it. The project is made anew, so the first line is cold.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = {
    "person_id": ("varchar", "direct_identifier", "person_number"),
    "e_mail": ("varchar", "direct_identifier", "email"),
    "born_on": ("date", "quasi_identifier", "date_of_birth"),
    "sex": ("varchar", "quasi_identifier", "sex"),
    "zip": ("varchar", "quasi_identifier", "postcode"),
    "region": ("varchar", "quasi_identifier", "region"),
    "diagnosis": ("varchar", "sensitive", "diagnosis"),
    "amount": ("integer", "sensitive", "amount"),
    "kind": ("varchar", "non_sensitive", "category"),
    "year": ("integer", "quasi_identifier", "year"),
}
MASKS = {
    "person_key": "{privacy_from: person_id, privacy_mask: pseudonym, privacy_domain: person}",
    "mail_domain": "{privacy_from: e_mail, privacy_mask: email_domain}",
    "born_on": "{privacy_mask: truncate_date, privacy_mask_args: {unit: year}}",
    "sex": "{privacy_mask: keep}",
    "region": "{privacy_mask: keep}",
    "amount": "{privacy_mask: round_to, privacy_mask_args: {step: 10}}",
    "kind": "{privacy_mask: keep}",
    "year": "{privacy_mask: keep}",
}
TYPES = {"person_key": "varchar", "mail_domain": "varchar", **{n: c[0] for n, c in COLUMNS.items()}}
PROJECT = """name: thousand
version: 1.0.0
config-version: 2
profile: thousand
models:
  thousand:
    +materialized: table
    +pre-hook: "{{ veil.check_model() }}"
    +post-hook: "{{ veil.gate_model() }}"
    +database: marts
    raw: {+database: identified}
    psn: {+database: pseudonymized}
    steps: {+database: pseudonymized}
"""
PROFILE = """thousand:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: ":memory:"
      threads: 2
      plugins: [{module: veil.plugin, alias: veil}]
    lint: {type: duckdb, path: ":memory:", threads: 2}
"""
RAW_COLUMN = """      - name: {name}
        data_type: {type}
        description: The {kind} of a person, as delivered.
        config:
          meta: {{privacy_class: {level}, privacy_type: {kind}}}
"""
FILE_COLUMN = textwrap.indent(RAW_COLUMN.replace("        data_type: {type}\n", ""), "    ")
SOURCE = """sources:
  - name: deliveries
    config:
      meta: {external_location: "read_csv('data/{name}.csv', all_varchar = true)"}
    tables:
"""


def raw_sql(number: int) -> str:
    """Each column typed, as veil's own demo does it."""
    lines = [
        "    "
        + (f"{{{{ veil.typed('{name}', '{kind}') }}}} as {name}" if kind != "varchar" else name)
        for name, (kind, _, _) in COLUMNS.items()
    ]
    body = ",\n".join(lines)
    return (
        "with source as (\n"
        f"    select * from {{{{ source('deliveries', 'file_{number}') }}}}\n),\n\n"
        f"typed as (\n    select\n{body}\n    from source\n)\n\nselect * from typed\n"
    )


def step_sql(number: int, other: int) -> str:
    """A join of two pseudonymized models and a window."""
    return f"""{{% set kinds = ['a', 'b', 'c'] %}}
with people as (
    select * from {{{{ ref('psn_{number}') }}}}
),

others as (
    select person_key, year, max(amount) as amount_max
    from {{{{ ref('psn_{other}') }}}}
    group by person_key, year
)

select
    people.person_key,
    people.sex,
    people.region,
    people.year,
    people.amount,
    {{% for kind in kinds %}}
    case when people.kind = '{{{{ kind }}}}' then people.amount else 0 end as amount_{{{{ kind }}}},
    {{% endfor %}}
    others.amount_max,
    row_number() over (partition by people.person_key order by people.year) as place
from people
left join others
    on people.person_key = others.person_key and people.year = others.year
"""


def mart_sql(number: int, grain: str) -> str:
    """Counts behind a threshold."""
    return f"""select
    {grain},
    year,
    {{{{ veil.suppress_small('count(distinct person_key)') }}}} as person_count
from {{{{ ref('step_{number}') }}}}
group by {grain}, year
"""


def file_yaml(number: int) -> str:
    """Every column classified."""
    columns = "".join(
        FILE_COLUMN.format(name=name, level=level, kind=kind)
        for name, (_, level, kind) in COLUMNS.items()
    )
    return (
        f"      - name: file_{number}\n        description: Delivery {number}. One row per person"
        f" and year.\n        columns:\n{columns}"
    )


def raw_yaml(number: int) -> str:
    """Types and classes."""
    columns = "".join(
        RAW_COLUMN.format(name=name, type=data_type, level=level, kind=kind)
        for name, (data_type, level, kind) in COLUMNS.items()
    )
    return (
        f"  - name: raw_{number}\n    description: Delivery {number}, typed.\n"
        f"    config: {{contract: {{enforced: true}}}}\n    columns:\n{columns}"
    )


def psn_yaml(number: int) -> str:
    """A mask on each column."""
    columns = "".join(
        f"      - name: {name}\n        data_type: {TYPES[name]}\n        description: Column"
        f" `{name}`, treated.\n        config:\n          meta: {meta}\n"
        + ("        data_tests: [not_null]\n" if name == "person_key" else "")
        for name, meta in MASKS.items()
    )
    return (
        f"  - name: psn_{number}\n    description: Delivery {number} under pseudonyms.\n"
        "    config:\n      contract: {enforced: true}\n"
        f"      meta: {{privacy_drop: [zip, diagnosis]}}\n    columns:\n{columns}"
    )


def step_yaml(number: int) -> str:
    """A description, as most models have no more."""
    return f"  - name: step_{number}\n    description: Deliveries side by side.\n"


def mart_yaml(name: str, grain: str) -> str:
    """A promise and its gate."""
    return f"""  - name: {name}
    description: Persons by {grain} and year.
    config:
      contract: {{enforced: true}}
      meta:
        privacy_audience: board
        privacy_population: Everybody
        privacy_release: suppressed
        privacy_unit: person_key
    columns:
      - {{name: {grain}, data_type: varchar, description: What the cell is of.}}
      - {{name: year, data_type: integer, description: Year.}}
      - {{name: person_count, data_type: bigint, description: Persons; NULL where they are few.}}
    data_tests:
      - veil.no_small_cells:
          arguments: {{count_column: person_count, grain: [{grain}, year]}}
"""


def make_project(folder: Path, *, models: int) -> None:
    """Write a project of so many models: a fifth raw, pseudonymized and steps each, the rest marts.

    Args:
        folder: where; veil itself is linked into its `dbt_packages`.
        models: how many, a multiple of five.
    """
    chains = models // 5
    for name in ("data", "models/raw", "models/psn", "models/steps", "models/marts"):
        (folder / name).mkdir(parents=True)
    texts = {"dbt_project.yml": PROJECT, "profiles.yml": PROFILE}
    texts["packages.yml"] = f"packages:\n  - local: {ROOT}\n"
    yaml: dict[str, list[str]] = {}
    for number in range(chains):
        group = f"_{number // 10:03}.yml"
        texts[f"data/file_{number}.csv"] = ",".join(COLUMNS) + "\n"
        texts[f"models/raw/raw_{number}.sql"] = raw_sql(number)
        texts[f"models/psn/psn_{number}.sql"] = (
            f"{{{{ veil.pseudonymize(ref('raw_{number}')) }}}}\n"
        )
        texts[f"models/steps/step_{number}.sql"] = step_sql(number, (number + 1) % chains)
        yaml.setdefault(f"models/raw/_files{group}", [SOURCE]).append(file_yaml(number))
        yaml.setdefault(f"models/raw/{group}", ["models:\n"]).append(raw_yaml(number))
        yaml.setdefault(f"models/psn/{group}", ["models:\n"]).append(psn_yaml(number))
        yaml.setdefault(f"models/steps/{group}", ["models:\n"]).append(step_yaml(number))
        for grain in ("sex", "region"):
            name = f"by_{grain}_{number}"
            texts[f"models/marts/{name}.sql"] = mart_sql(number, grain)
            yaml.setdefault(f"models/marts/{group}", ["models:\n"]).append(mart_yaml(name, grain))
    texts |= {path: "version: 2\n\n" + "".join(parts) for path, parts in yaml.items()}
    for path, text in texts.items():
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "veil").symlink_to(ROOT, target_is_directory=True)


@dataclass(frozen=True)
class Taken:
    """What one command took: seconds, and megabytes of its largest process."""

    seconds: float
    megabytes: float


def run(folder: Path, *command: str) -> Taken:
    """Run a command in the project; a command that fails ends the benchmark."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(done.returncode)"
    )
    env = {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT / "python_udfs"), os.environ.get("PYTHONPATH", "")]
        ),
    }
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, *command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"veil: `{' '.join(command)}` failed.")
    return Taken(seconds, int(done.stdout) / 1024)


def change_mart(file: Path) -> None:
    """Ask for more people behind each of its numbers."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("person_key)')", "person_key)', threshold=20)"), encoding="utf-8")


def measure(folder: Path) -> dict[str, Taken]:
    """Run each command; the order matters, because each leaves a cache to the next."""
    check = ("-c", "from veil.cli.check import check; check()", "--project-dir", str(folder))
    dbt = ("-c", "from dbt.cli.main import cli; cli()", "--quiet")
    found = {"`veil check`, cold": run(folder, *check)}
    found["`veil check`, nothing changed"] = run(folder, *check)
    change_mart(folder / "models" / "marts" / "by_sex_0.sql")
    found["`veil check`, one mart changed"] = run(folder, *check)
    with (folder / "models" / "psn" / "_000.yml").open("a") as file:
        file.write("# noted\n")
    found["`veil check`, one YAML file changed"] = run(folder, *check)
    target = ("--target", "lint")
    found["`dbt parse`, cold"] = run(folder, *dbt, "parse", *target)
    change_mart(folder / "models" / "marts" / "by_sex_1.sql")
    found["`dbt parse`, one mart changed"] = run(folder, *dbt, "parse", *target)
    found["`dbt compile`"] = run(folder, *dbt, "compile", *target)
    return found


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Time `veil check` beside dbt.")
    parser.add_argument("--models", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        make_project(project, models=options.models)
        found = measure(project)
    print(f"A generated project of {options.models:,} models.\n")
    print("| | s | MB |\n|---|---|---|")
    for name, taken in found.items():
        print(f"| {name} | {taken.seconds:.1f} | {taken.megabytes:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
