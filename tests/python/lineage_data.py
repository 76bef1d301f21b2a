"""Small databases behind the corpora of the lineage, made to differ in one thing at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

import lineage_corpus as corpus

# `{keys}` salts whatever identifies or links, `{values}` whatever is sensitive.
TABLES = {
    "pseudonymized.main.psn_people": """
        select 'p1_' || md5('{keys}person' || i) as person_key,
            'p1_' || md5('{keys}household' || i // 3) as household_key,
            if(i % 2 = 0, 'f', 'm') as sex,
            if(i = 7, 97, cast(5 + hash(i) % 80 as integer)) as age,
            case when age < 20 then '0-19' when age < 60 then '20-59' else '60+' end as age_band,
            ['north', 'south', 'east', 'west'][1 + i % 4] as region,
            ['clerk', 'nurse', 'judge', 'baker'][1 + cast(hash(i + 1) % 4 as integer)]
                as occupation,
            make_date(2024 - age, 1, 1) as birth_year_on,
            i % 5 <> 0 as is_employed,
            case i % 3 when 0 then ['en'] when 1 then ['en', 'fr'] else ['de'] end as languages,
            {{'city': if(i % 2 = 0, 'Ulm', 'Bonn'), 'rooms': cast(1 + i % 5 as integer)}} as home,
            cast('{{"plan": "' || if(i % 4 = 0, 'gold', 'base') || '"}}' as json) as extras,
            cast(10000 + hash(i, '{values}income') % 90000 as bigint) as income,
            ['F20', 'J45', 'I10'][1 + cast(hash(i, '{values}d') % 3 as integer)] as diagnosis,
            cast(2023 + i // 2 % 2 as integer) as survey_year
        from range({people}) as r(i)
    """,
    "pseudonymized.main.psn_orders": """
        select 'p1_' || md5('{keys}order' || j) as order_key,
            'p1_' || md5('{keys}person' || j % {people}) as person_key,
            date '2023-01-01' + cast(j * 5 % 700 as integer) as ordered_on,
            cast(year(ordered_on) as integer) as order_year,
            if(j % 3 = 0, 'web', 'shop') as channel,
            'c' || j % 6 as product_code,
            cast(1 + j % 4 as integer) as quantity,
            cast(1 + hash(j, '{values}amount') % 5000 as double) / 8 as amount
        from range({people} * 3) as r(j)
    """,
    "pseudonymized.main.psn_visits": """
        select 'p1_' || md5('{keys}person' || j % ({people} * 2 // 3)) as person_key,
            date '2023-01-01' + cast(j * 7 % 700 as integer) as visited_on,
            cast(year(visited_on) as integer) as visit_year,
            'ward ' || j % 3 as ward,
            ['A', 'F', 'J'][1 + j % 3] as chapter,
            cast(j % 9 as integer) as nights,
            cast(hash(j, '{values}cost') % 80000 as double) / 8 as cost
        from range({people}) as r(j)
    """,
    "pseudonymized.main.psn_jobs": """
        select 'p1_' || md5('{keys}person' || j % {people}) as person_key,
            'p1_' || md5('{keys}employer' || (j % {people} + 3 * (j // {people})) % 9)
                as employer_key,
            cast(2023 + j // {people} as integer) as job_year,
            cast(10 + j % 35 as integer) as hours,
            cast(1000 + hash(j, '{values}wages') % 70000 as bigint) as wages
        from range({people} * 2) as r(j)
    """,
    "identified.main.raw_people": """
        select '{keys}' || i as person_id, md5('{keys}ssn' || i) as ssn,
            'Name ' || md5('{keys}' || i) as full_name,
            md5('{keys}' || i) || '@example.org' as email,
            make_date(1930 + cast(i % 80 as integer), 1, 1) as date_of_birth,
            if(i % 2 = 0, 'f', 'm') as sex, ['north', 'south'][1 + i % 2] as city,
            cast(10000 + hash(i, '{values}income') % 90000 as bigint) as income,
            cast(2023 as integer) as survey_year
        from range({people}) as r(i)
    """,
    "identified.main.seed_members": """
        select '{keys}' || i as member_no, md5('{keys}' || i) as surname, 'north' as city,
            cast(2000 + i % 3 as integer) as joined_year
        from range({people}) as r(i)
    """,
    "identified.main.snap_members": """
        select '{keys}' || i as member_no, 'north' as city, cast(2000 as integer) as joined_year,
            timestamp '2024-01-01' as dbt_valid_from
        from range({people}) as r(i)
    """,
    "pseudonymized.main.psn_untagged": """
        select 'p1_' || md5('{keys}person' || i) as person_key, 'f' as sex,
            md5('{keys}' || i) as remark
        from range({people}) as r(i)
    """,
    "identified.main.dim_regions": """
        select region, 'The ' || region as region_name,
            if(region in ('north', 'south'), 'A', 'B') as country,
            cast(1000 * length(region) as bigint) as inhabitants
        from (values ('north'), ('south'), ('east'), ('west'), ('sea')) as v(region)
    """,
    "identified.main.dim_products": """
        select 'c' || i as product_code, if(i < 3, 'food', 'tools') as category,
            cast(i + 1 as double) as list_price
        from range(6) as r(i)
    """,
    "identified.main.dim_calendar": """
        select cast(d as date) as day, cast(date_trunc('month', d) as date) as month_on,
            cast(year(d) as integer) as year, isodow(d) > 5 as is_weekend
        from generate_series(timestamp '2023-01-01', timestamp '2024-12-31', interval 1 day) as r(d)
    """,
    "identified.main.dim_ages": """
        select cast(i as integer) as age, cast(i // 10 as varchar) as age_band,
            if(i < 20, 'young', 'grown') as life_stage
        from range(121) as r(i)
    """,
    "identified.main.dim_occupations": """
        select * from (values ('clerk', 'office'), ('judge', 'office'), ('nurse', 'care'))
            as v(occupation, sector)
    """,
    "identified.main.dim_prices": """
        select cast(i as integer) as year, cast(1.5 as double) as cpi from range(2020, 2026) as r(i)
    """,
    "identified.main.dim_codes": """
        select 'k' || i as code, 'label ' || i as label, cast(i * 10000 as bigint) as low,
            cast(i * 10000 + 9999 as bigint) as high
        from range(12) as r(i)
    """,
}  # fmt: skip


@contextmanager
def database(
    *, people: int = 300, keys: str = "a", values: str = "a"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every relation of the corpora, in memory.

    Args:
        people: how many persons there are.
        keys: another text, and every identifier and pseudonym is another one, one to one.
        values: another text, and every sensitive value is another one.
    """
    with duckdb.connect() as conn:
        conn.execute("set threads = 1")
        for name in ("identified", "pseudonymized", "marts"):
            conn.execute(f"attach ':memory:' as {name}")
        for name, sql in TABLES.items():
            query = sql.format(people=people, keys=keys, values=values)
            conn.execute(f"create table {name} as {query}")
        for name, one in corpus.schema()["models"].items():
            conn.execute(
                f"create table {corpus.relation_name(name)} as {corpus.compiled(one['sql'])}"
            )
        yield conn


def result(conn: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query in an order that depends on nothing but what is in them."""
    rows = conn.execute(sql).fetchall()
    return sorted((tuple(map(_plain, row)) for row in rows), key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, sort_keys=True)
    return value
