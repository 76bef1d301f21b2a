"""Both corpora of the lineage as a dbt project: a consumer's, which installs veil as a package.

Files under data/, seeds, raw and pseudonymized models give the relations of
tests/corpus/schema.yml; a file of a corpus is a model beside them, and its YAML promises all that
the rules ask for. So nothing but what its SQL leaks stands between a leaky model and its table.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

import lineage_corpus as corpus
import lineage_data as data
from harness import DbtProject, new_stranger

PROJECT = """\
name: corpora
version: 1.0.0
config-version: 2
profile: corpora_at_home

flags:
  send_anonymous_usage_stats: false

models:
  corpora:
    +materialized: table
    +pre-hook: "{{ veil.check_model() }}"
    +post-hook: "{{ veil.gate_model() }}"
    +database: marts
    raw: {+database: identified}
    pseudonymized: {+database: pseudonymized}
    intermediate: {+database: pseudonymized}

seeds:
  corpora: {+database: identified}

snapshots:
  corpora:
    +database: identified
    +pre-hook: "{{ veil.check_model() }}"
"""
CLEAN, LEAKY = "open", "leaks"
"""The audiences of the two corpora. One refused mart keeps a whole audience unpublished, so the
clean ones have their own."""
COUNT = "cell_count"
WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT"})
GRAIN = WHOLE | {"VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP"}
"""Types that may name a cell."""
SEED, SNAPSHOT, NO_TABLE = "seed_members", "snap_members", "psn_untagged"
"""The seed and the snapshot of the schema, and what no build leaves behind: a pseudonymized table
with a column that nobody has classified. A seed may hold no direct identifier: no file of a corpus
reads those of this one, and the snapshot takes its own from a file under data/."""
DELIVERY, FILE = "delivery", "rows_of_"
"""The source over the files under data/, and how their names begin."""
READS_UNTOLD = {"045_quoted_name_mixed_relation": "psn_people"}
"""What a file reads by a name of its own; in dbt it must be among the parents."""

Yaml = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A model to write.

    Attributes:
        name: its name.
        layer: `raw`, `pseudonymized`, `intermediate` or `mart`.
        sql: with `ref()`, as dbt reads it.
        declares: class of each column, on a raw model.
    """

    name: str
    layer: str
    sql: str
    declares: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, case: corpus.Case) -> Made:
        """A file of a corpus."""
        name, sql = case.path.stem, case.path.read_text()
        if name in READS_UNTOLD:
            sql += f"-- depends_on: {{{{ ref('{READS_UNTOLD[name]}') }}}}\n"
        classes = dict(one.split("=") for one in case.header.get("declares", "").split())
        return cls(name, case.header.get("layer", "mart"), sql, classes)


def new_corpora(root: Path) -> DbtProject:
    """The project with the relations and models that the corpora read; nothing is built yet.

    `root` is its folder; the folder above becomes the package that it installs.
    """
    project = new_stranger(root)
    for name in ("models", "seeds", "data", "docs"):
        shutil.rmtree(root / name)
    project.write("dbt_project.yml", PROJECT)
    project.replace("profiles.yml", "lakeside_clinic:", "corpora_at_home:")
    with data.database() as conn:
        files = [_add_snapshot(project, conn)]
        for name, relation in corpus.schema()["relations"].items():
            if name == SEED or name.startswith("dim_"):
                _add_seed(project, conn, name, relation["columns"])
            elif name not in {SNAPSHOT, NO_TABLE}:
                files.append(_add_relation(project, conn, name, relation))
    location = "read_csv('data/{name}.csv', all_varchar = true)"
    delivery: Yaml = {"name": DELIVERY, "config": {"meta": {"external_location": location}}}
    _write_yaml(project, "models/raw/base/_delivery.yml", sources=[delivery | {"tables": files}])
    between = [
        Made(name, one["layer"], one["sql"]) for name, one in corpus.schema()["models"].items()
    ]
    add_models(project, "between", between, audience=CLEAN)
    return project


def add_models(
    project: DbtProject,
    group: str,
    models: Iterable[Made],
    *,
    audience: str,
    counted: bool = False,
) -> None:
    """Write models and their YAML.

    Args:
        project: where to.
        group: names their folders; a group is replaced as a whole.
        models: the models.
        audience: for whom the marts among them are.
        counted: a mart that its gate would refuse, because it shows no count of people, shows one:
            a constant, which tells nothing and is above every threshold.
    """
    remove_models(project, group)
    declared: dict[str, list[Yaml]] = {}
    with data.database() as conn:
        for model in models:
            sql, columns = model.sql, _columns(conn, model.sql)
            found: Yaml = {"name": model.name}
            if model.layer == "mart":
                count = _count_column(conn, sql, columns) if counted else _whole_number(columns)
                if counted and not count:
                    sql = f"select *, 11 as {COUNT} from (\n{sql}\n) as cells\n"
                    columns[COUNT] = "INTEGER"
                found |= _promise(audience, columns, count or COUNT)
            elif model.layer == "raw":
                found["columns"] = [_classified(*one) for one in model.declares.items()]
            elif model.layer == "pseudonymized":
                found["config"] = {"meta": {"privacy_drop": []}}
            folder = f"models/{model.layer}/{group}"
            project.write(f"{folder}/{model.name}.sql", sql)
            declared.setdefault(folder, []).append(found)
    for folder, described in declared.items():
        _write_yaml(project, f"{folder}/_{group}.yml", models=described)


def remove_models(project: DbtProject, group: str) -> None:
    """Take a group of models out of the project; what they built stays."""
    for folder in project.root.glob(f"models/*/{group}"):
        shutil.rmtree(folder)


def standing(project: DbtProject) -> set[str]:
    """The names of all tables and views in the zones, veil's own left out."""
    rows = project.rows(
        "select table_name from duckdb_tables() where schema_name <> 'veil'"
        " union all select view_name from duckdb_views() where not internal"
    )
    return {name for (name,) in rows}


# what the models read


def _add_relation(
    project: DbtProject, conn: duckdb.DuckDBPyConnection, name: str, relation: Yaml
) -> Yaml:
    """A file, and over it the raw and the pseudonymized model that end in `name`.

    Returns:
        What the YAML of its source says of the file.
    """
    columns: dict[str, Yaml] = relation["columns"]
    classes = {column: _raw_class(spec) for column, spec in columns.items()}
    file = _add_file(project, conn, name, classes)
    raw = name if relation["zone"] == "identified" else f"typed_{name}"
    types = {column: spec["type"] for column, spec in columns.items()}
    typed = [
        column if kind == "varchar" else f"{{{{ veil.typed('{column}', '{kind}') }}}} as {column}"
        for column, kind in types.items()
    ]
    project.write(
        f"models/raw/base/{raw}.sql",
        "select\n    " + ",\n    ".join(typed) + f"\nfrom {_source(name)}\n",
    )
    contract: Yaml = {"contract": {"enforced": True}}
    raw_columns = [
        _classified(column, classes[column]) | {"data_type": kind} for column, kind in types.items()
    ]
    _write_yaml(
        project,
        f"models/raw/base/_{raw}.yml",
        models=[{"name": raw, "config": contract, "columns": raw_columns}],
    )
    if raw == name:
        return file
    treated = [
        {"name": column, "data_type": spec["type"], "config": {"meta": _mask(spec)}}
        for column, spec in columns.items()
    ]
    project.write(
        f"models/pseudonymized/base/{name}.sql", f"{{{{ veil.pseudonymize(ref('{raw}')) }}}}\n"
    )
    _write_yaml(
        project,
        f"models/pseudonymized/base/_{name}.yml",
        models=[{"name": name, "config": contract, "columns": treated}],
    )
    return file


def _add_seed(
    project: DbtProject,
    conn: duckdb.DuckDBPyConnection,
    name: str,
    columns: dict[str, Yaml],
) -> None:
    """The rows of a relation as a seed, direct identifiers left out: text, but for public lists."""
    kept = {key: spec for key, spec in columns.items() if spec["class"] != "direct_identifier"}
    public = all(spec["class"] == "non_sensitive" for spec in kept.values())
    _write_rows(project, conn, name, kept, f"seeds/{name}.csv")
    types = {column: spec["type"] if public else "varchar" for column, spec in kept.items()}
    listed = [_classified(column, spec["class"]) for column, spec in kept.items()]
    seed: Yaml = {"name": name, "config": {"column_types": types}, "columns": listed}
    _write_yaml(project, f"seeds/_{name}.yml", seeds=[seed])


def _add_file(
    project: DbtProject, conn: duckdb.DuckDBPyConnection, name: str, classes: dict[str, str]
) -> Yaml:
    """The rows of a relation as a file; what the YAML of its source says of it."""
    _write_rows(project, conn, name, classes, f"data/{FILE}{name}.csv")
    return {"name": FILE + name, "columns": [_classified(*one) for one in classes.items()]}


def _write_rows(
    project: DbtProject,
    conn: duckdb.DuckDBPyConnection,
    name: str,
    columns: Iterable[str],
    path: str,
) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    file = project.root / path
    file.parent.mkdir(exist_ok=True)
    conn.execute(f"copy (select {listed} from {corpus.relation_name(name)}) to '{file}' (header)")


def _source(name: str) -> str:
    return f"{{{{ source('{DELIVERY}', '{FILE}{name}') }}}}"


def _add_snapshot(project: DbtProject, conn: duckdb.DuckDBPyConnection) -> Yaml:
    """The snapshot, and what the YAML of its source says of the file that it reads."""
    columns: dict[str, Yaml] = corpus.schema()["relations"][SNAPSHOT]["columns"]
    own = {name: spec["class"] for name, spec in columns.items() if not name.startswith("dbt_")}
    sql = f"select {', '.join(own)} from {_source(SNAPSHOT)}"
    project.write(
        f"snapshots/{SNAPSHOT}.sql", f"{{% snapshot {SNAPSHOT} %}}\n{sql}\n{{% endsnapshot %}}\n"
    )
    snapshot: Yaml = {
        "name": SNAPSHOT,
        "config": {"unique_key": "member_no", "strategy": "check", "check_cols": "all"},
        "columns": [_classified(name, spec["class"]) for name, spec in columns.items()],
    }
    _write_yaml(project, "snapshots/_snapshots.yml", snapshots=[snapshot])
    return _add_file(project, conn, SNAPSHOT, own)


def _raw_class(spec: Yaml) -> str:
    """What a column is before its mask: a pseudonym of no person was no direct identifier."""
    if spec["class"] != "pseudonym":
        return str(spec["class"])
    return "direct_identifier" if spec.get("person", True) else "quasi_identifier"


def _mask(spec: Yaml) -> Yaml:
    if spec["class"] != "pseudonym":
        return {"privacy_mask": "keep"}
    return {"privacy_mask": "pseudonym", "privacy_domain": spec["domain"]}


def _classified(column: str, privacy_class: str) -> Yaml:
    meta = {"privacy_class": privacy_class, "privacy_type": column}
    return {"name": column, "config": {"meta": meta}}


# what the models promise


def _promise(audience: str, columns: dict[str, str], count: str) -> Yaml:
    """The YAML of a mart whose every column that may name a cell does so, but for its count."""
    meta = {
        "privacy_audience": audience,
        "privacy_population": "Residents",
        "privacy_release": "suppressed",
        "privacy_unit": corpus.UNIT,
        "privacy_threshold": corpus.THRESHOLD,
    }
    grain = [name for name, kind in columns.items() if kind in GRAIN and name != count]
    gate: Yaml = {"arguments": {"count_column": count, "grain": grain}}
    return {
        "config": {"contract": {"enforced": True}, "meta": meta},
        "columns": [
            {"name": name, "data_type": kind, "quote": True} for name, kind in columns.items()
        ],
        "data_tests": [{"veil.no_small_cells": gate}],
    }


def _columns(conn: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    """The columns of a query with their types; of what is no query, a column that it lacks."""
    try:
        rows = conn.execute(f"describe select * from (\n{corpus.compiled(sql)}\n)").fetchall()
    except duckdb.Error:
        return {"no_such_column": "VARCHAR"}
    return {str(name): str(kind) for name, kind, *_ in rows}


def _whole_number(columns: dict[str, str]) -> str:
    return next((name for name, kind in columns.items() if kind in WHOLE), "")


def _count_column(conn: duckdb.DuckDBPyConnection, sql: str, columns: dict[str, str]) -> str:
    """A column that `no_small_cells` takes for the count of each cell; empty where there is none.

    It is hidden or large enough; where it is hidden, so is each number that names no cell; without
    it every cell still stands once.
    """
    rows = conn.execute(corpus.compiled(sql)).fetchall()
    kinds = list(columns.values())
    measures = [index for index, kind in enumerate(kinds) if kind not in GRAIN]
    for index, name in enumerate(columns):
        if kinds[index] not in WHOLE:
            continue
        grain = [at for at, kind in enumerate(kinds) if kind in GRAIN and at != index]
        once = len({tuple(row[at] for at in grain) for row in rows}) == len(rows)
        large = all(row[index] is None or row[index] >= corpus.THRESHOLD for row in rows)
        hidden = (row for row in rows if row[index] is None)
        if once and large and all(row[at] is None for row in hidden for at in measures):
            return name
    return ""


def _write_yaml(project: DbtProject, path: str, **content: list[Yaml]) -> None:
    project.write(path, yaml.safe_dump({"version": 2, **content}, sort_keys=False))
