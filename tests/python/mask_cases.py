"""Every mask of the catalogue as a small pseudonymized model, compiled by dbt and run on any value.

dbt compiles all cases in one go. A test then runs the compiled SQL with a table of its own in place
of the raw model, so that a thousand hostile values cost no second dbt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from harness import DbtProject
from veil.keys import Keyring
from veil.warehouse.token_table import create_token_tables
from veil.warehouse.tokens import Tokens

FAST = settings(
    max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
"""No example database: parallel workers would write to one folder."""

RAW: dict[str, tuple[str, str, str]] = {
    "person": ("varchar", "direct_identifier", "person_id"),
    "number": ("bigint", "direct_identifier", "account"),
    "note": ("varchar", "sensitive", "category"),
    "email": ("varchar", "direct_identifier", "email"),
    "ip": ("varchar", "quasi_identifier", "ip_address"),
    "zip": ("varchar", "quasi_identifier", "postcode"),
    "race": ("varchar", "quasi_identifier", "race"),
    "age": ("integer", "quasi_identifier", "age"),
    "tiny": ("tinyint", "quasi_identifier", "age"),
    "big": ("bigint", "sensitive", "amount"),
    "huge": ("hugeint", "sensitive", "amount"),
    "price": ("decimal(9,2)", "sensitive", "amount"),
    "wide": ("decimal(38,2)", "sensitive", "amount"),
    "fine": ("decimal(38,37)", "sensitive", "amount"),
    "single": ("real", "sensitive", "amount"),
    "real": ("double", "sensitive", "amount"),
    "day": ("date", "quasi_identifier", "event_date"),
    "at": ("timestamp", "quasi_identifier", "event_date"),
    "at_ms": ("timestamp_ms", "quasi_identifier", "event_date"),
    "at_ns": ("timestamp_ns", "quasi_identifier", "event_date"),
    "at_tz": ("timestamptz", "quasi_identifier", "event_date"),
    "flag": ("boolean", "sensitive", "category"),
}
"""Columns of the raw model: type, class, privacy type."""

INJECTION = "x'; drop table raw_kinds; --"
NUMBERS = ["tiny", "age", "big", "huge", "price", "wide", "fine", "single", "real"]
WHOLE = ["tiny", "age", "big", "huge"]
MOMENTS = ["day", "at", "at_ms", "at_ns", "at_tz"]
UNITS = ["week", "month", "quarter", "year", "decade"]
EDGES = [-10, 2.5, 7]


@dataclass(frozen=True)
class Case:
    """One treated column. `result` is the type that it must have."""

    name: str
    source: str
    mask: str
    result: str = "varchar"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    domain: str | None = None

    @property
    def meta(self) -> dict[str, Any]:
        meta: dict[str, Any] = {"privacy_from": self.source, "privacy_mask": self.mask}
        if self.arguments:
            meta["privacy_mask_args"] = dict(self.arguments)
        if self.domain:
            meta["privacy_domain"] = self.domain
        return meta


def _cases() -> list[Case]:
    person = {"person": "person"}
    cases = [
        Case("pseudonym_text", "person", "pseudonym", domain="person"),
        Case("pseudonym_elsewhere", "person", "pseudonym", domain="elsewhere"),
        Case("pseudonym_email", "email", "pseudonym", domain="person"),
        Case("pseudonym_number", "number", "pseudonym", domain="person"),
        Case("token_text", "person", "random_token", domain="person"),
        Case("token_elsewhere", "person", "random_token", domain="elsewhere"),
        Case("token_email", "email", "random_token", domain="person"),
        Case("token_number", "number", "random_token", domain="person"),
        Case("redact", "note", "redact"),
        Case("partial_none", "note", "partial"),
        Case("partial_ends", "note", "partial", arguments={"keep_first": 2, "keep_last": 3}),
        Case("email_domain", "email", "email_domain", arguments={"minimum": 3}),
        Case("ip_prefix", "ip", "ip_prefix"),
        Case("ip_prefix_short", "ip", "ip_prefix", arguments={"v4": 9, "v6": 31}),
        Case("postcode_prefix", "zip", "postcode_prefix"),
        Case("postcode_census", "zip", "postcode_prefix", arguments={"population": "zip_census"}),
        Case(
            "generalize_race",
            "race",
            "generalize",
            arguments={"hierarchy": "hierarchy_race", "level": "race_group"},
        ),
        Case(
            "generalize_age",
            "age",
            "generalize",
            arguments={"hierarchy": "hierarchy_age", "level": "life_stage"},
        ),
        Case("age_band", "age", "age_band"),
        Case("age_band_seven", "age", "age_band", arguments={"width": 7, "top": 85}),
        Case("age_band_tiny", "tiny", "age_band", arguments={"width": 50, "top": 120}),
        Case("noise_other_scale", "real", "noise", "double", {**person, "scale": 20}, "person"),
        Case("noise_elsewhere", "real", "noise", "double", {**person, "scale": 10}, "elsewhere"),
    ]
    for source, (data_type, _, _) in RAW.items():
        cases.append(Case(f"constant_{source}", source, "constant", arguments={"value": INJECTION}))
        if RAW[source][1] != "direct_identifier":
            cases.append(Case(f"keep_{source}", source, "keep", data_type))
    for source in NUMBERS:
        kind = RAW[source][0]
        cases += [
            Case(f"bucket_{source}", source, "bucket", arguments={"edges": EDGES}),
            Case(f"round_{source}", source, "round_to", kind, {"step": 5}),
            Case(f"round_even_{source}", source, "round_to", kind, {"step": 8}),
            Case(f"top_{source}", source, "top_code", kind, {"most": 2.5}),
            Case(f"bottom_{source}", source, "bottom_code", kind, {"least": 2.5}),
        ]
        if source != "fine":  # no sum with a noise of 10 would fit
            cases.append(
                Case(f"noise_{source}", source, "noise", kind, {**person, "scale": 10}, "person")
            )
    for source in MOMENTS:
        kind = RAW[source][0]
        cases += [
            Case(f"{unit}_{source}", source, "truncate_date", "date", {"unit": unit})
            for unit in UNITS
        ]
        cases.append(
            Case(f"shift_{source}", source, "shift_date", kind, {**person, "days": 30}, "person")
        )
    return cases


CASES = {case.name: case for case in _cases()}


def raw_yaml(
    name: str, columns: Mapping[str, tuple[str, str, str]] | None = None
) -> dict[str, Any]:
    """The YAML of a raw model whose columns are `RAW`, or those given."""
    return {
        "name": name,
        "config": {"contract": {"enforced": True}},
        "columns": [
            {
                "name": column,
                "data_type": data_type,
                "config": {"meta": {"privacy_class": privacy_class, "privacy_type": privacy_type}},
            }
            for column, (data_type, privacy_class, privacy_type) in (columns or RAW).items()
        ],
    }


def psn_yaml(
    name: str,
    columns: Sequence[Mapping[str, Any]],
    *,
    raw: Sequence[str] = tuple(RAW),
    profile: str | None = None,
) -> dict[str, Any]:
    """The YAML of a pseudonymized model; what its columns do not use is dropped.

    Args:
        name: of the model.
        columns: for each a mapping with `name` and the keys of its meta.
        raw: names of the raw model's columns.
        profile: of the model, if any.
    """
    used = {column.get("privacy_from", column["name"]) for column in columns}
    meta: dict[str, Any] = {"privacy_drop": [one for one in raw if one not in used]}
    if profile:
        meta["privacy_profile"] = profile
    return {
        "name": name,
        "config": {"meta": meta},
        "columns": [
            {
                "name": column["name"],
                "config": {"meta": {key: one for key, one in column.items() if key != "name"}},
            }
            for column in columns
        ],
    }


def add_models(project: DbtProject, folder: str, models: Mapping[str, str], yamls: Any) -> None:
    """Write SQL files and one YAML file under `models/<folder>/`."""
    for name, sql in models.items():
        project.write(f"models/{folder}/{name}.sql", sql)
    text = yaml.safe_dump({"version": 2, "models": list(yamls)}, sort_keys=False, width=4096)
    project.write(f"models/{folder}/_{folder.replace('/', '_')}_cases.yml", text)


def add_raw(project: DbtProject, name: str = "raw_kinds") -> None:
    columns = ", ".join(
        f'cast(null as {kind}) as "{column}"' for column, (kind, _, _) in RAW.items()
    )
    add_models(project, f"raw/{name}", {name: f"select {columns}"}, [raw_yaml(name)])


def add_cases(project: DbtProject) -> None:
    """Put the raw model, the hierarchy of places and a model per case into a project."""
    add_raw(project)
    project.write("seeds/zip_census.csv", "prefix,population\n")
    project.write(
        "seeds/_zip_census.yml",
        yaml.safe_dump(
            {
                "version": 2,
                "seeds": [
                    {
                        "name": "zip_census",
                        "columns": [{"name": "prefix"}, {"name": "population"}],
                    }
                ],
            }
        ),
    )
    hierarchies = ", ".join(
        f"ref('{one}')" for one in ("hierarchy_age", "hierarchy_race", "zip_census")
    )
    call = "{{ veil.pseudonymize(ref('raw_kinds'), hierarchies=[" + hierarchies + "]) }}"
    add_models(
        project,
        "pseudonymized/cases",
        dict.fromkeys(CASES, call),
        [psn_yaml(name, [{"name": "result", **case.meta}]) for name, case in CASES.items()],
    )


class Masks:
    """The compiled masks on one connection."""

    def __init__(self, conn: duckdb.DuckDBPyConnection, project: DbtProject) -> None:
        self.conn = conn
        self.project = project
        create_token_tables(conn)
        self.tokens = Tokens(conn, Keyring.load(project.veil.keyring))
        folder = project.root / "target" / "compiled" / "veil" / "models" / "pseudonymized"
        self.sql = {name: self._local(folder / "cases" / f"{name}.sql") for name in CASES}
        for name in ("hierarchy_age", "hierarchy_race"):
            path = project.root / "seeds" / f"{name}.csv"
            conn.execute(
                f"create temp table {name} as select * from read_csv(?, all_varchar = true)",
                [str(path)],
            )
        conn.execute("create temp table zip_census (prefix varchar, population varchar)")

    @staticmethod
    def _local(path: Path) -> str:
        """The compiled SQL over temporary tables, with the number of the row in front."""
        sql = path.read_text(encoding="utf-8").replace('"identified"."main".', "")
        return sql.replace("select\n", "select source.n,\n", 1)

    def run(
        self,
        name: str,
        values: Sequence[str | None],
        persons: Sequence[str | None] | None = None,
    ) -> list[str | None]:
        """Mask `values`, each written as DuckDB reads it; the result as text, in the same order."""
        case = CASES[name]
        columns = {"person": list(persons or ["one"] * len(values)), case.source: list(values)}
        fields = ", ".join(
            f'cast({column}_ as {RAW[column][0]}) as "{column}"' for column in columns
        )
        given = {f"{column}_": pa.array(texts, pa.string()) for column, texts in columns.items()}
        self.conn.register("given", pa.table({"n": range(len(values)), **given}))
        self.conn.execute(
            f"create or replace temp table raw_kinds as select cast(n as bigint) as n, {fields}"
            " from given"
        )
        self.conn.unregister("given")
        if case.mask == "random_token":
            self._draw(case)
        found = self.conn.execute(
            f"select n, cast(result as varchar) from ({self.sql[name]}) order by n"
        ).fetchall()
        assert [row[0] for row in found] == list(range(len(values))), "a mask keeps every row"
        return [row[1] for row in found]

    def _draw(self, case: Case) -> None:
        """Give a token to each value, as `veil.check_model()` does before a model runs.

        The registered function has `Tokens` of its own, so that it must look into the table.
        """
        sql = f'select cast("{case.source}" as varchar) as v from raw_kinds'
        values = self.conn.execute(sql).to_arrow_table()["v"]
        self.tokens.draw(values, domain=str(case.domain), privacy_type=RAW[case.source][2])

    def result_type(self, name: str) -> str:
        self.run(name, [None])
        rows = self.conn.execute(f"describe select result from ({self.sql[name]})").fetchall()
        return str(rows[0][1]).lower()


texts = st.text(max_size=40)
"""Any Unicode text but lone surrogates, which DuckDB cannot hold; NUL bytes included."""

HOSTILE_TEXTS: tuple[str, ...] = (
    "",
    " ",
    "x" * 1_000_000,
    "\U0001f469\u200d\U0001f4bb",  # one emoji of three code points
    "\u05e9\u05dc\u05d5\u05dd \u202e abc",  # right to left, with an override
    "a\x00b",
    "'; drop table raw_kinds; --",
    '"; drop table raw_kinds; --',
    "%s %d {} \\",
    "NULL",
    "e\u0301",  # a combining mark
)
HOSTILE_DATES = (
    "1899-12-31",
    "0001-01-01",
    "0044-03-15 (BC)",
    "10000-01-01",
    "290309-12-22 (BC)",
    "294246-12-31",
    "infinity",
    "-infinity",
    "1970-01-01",
)
BOUNDS = {
    "tiny": ("-128", "127"),
    "age": (str(-(2**31)), str(2**31 - 1)),
    "big": (str(-(2**63)), str(2**63 - 1)),
    "huge": (str(-(2**127)), str(2**127 - 1)),
    "number": (str(-(2**63)), str(2**63 - 1)),
    "price": ("-9999999.99", "9999999.99"),
    "wide": ("-" + "9" * 36 + ".99", "9" * 36 + ".99"),
    "fine": ("-9." + "9" * 37, "9." + "9" * 37),
    "single": ("-3.4028234663852886e38", "3.4028234663852886e38"),
    "real": ("-1.7976931348623157e308", "1.7976931348623157e308"),
}


def hostile(source: str) -> list[str | None]:
    """The worst values that a column of a given type can hold, as text."""
    kind = RAW[source][0]
    if kind == "varchar":
        return [None, *HOSTILE_TEXTS, *HOSTILE_TEXTS]
    if kind == "boolean":
        return [None, "true", "false", "true"]
    if source in BOUNDS:
        special = ["nan", "inf", "-inf", "5e-324" if kind == "double" else "1e-45"]
        odd = special if kind in ("real", "double") else []
        return [None, *BOUNDS[source], "0", "-1", "5", "5", *odd]
    if kind == "timestamp_ns":
        return [None, "1677-09-22", "2262-04-11", "1899-12-31", "infinity", "-infinity"]
    far = ["5877642-06-25 (BC)", "5881580-07-10"] if kind == "date" else []
    return [None, *HOSTILE_DATES, *far, *HOSTILE_DATES]
