"""Row queries, stable and unstable, each with the reason; relations and small data behind them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import duckdb

from veil.stability import Personal, Public, Rule, Unstable, check_stable

UNIT = "person_key"
NAMES = {
    "PEOPLE": '"pseudonymized"."main"."psn_people"',
    "EVENTS": '"pseudonymized"."main"."psn_events"',
    "PAYMENTS": '"pseudonymized"."main"."psn_payments"',
    "STAFF": '"pseudonymized"."main"."psn_staff"',
    "REGIONS": '"marts"."main"."regions"',
    "CODES": '"marts"."main"."codes"',
}
PERSONAL = {
    "PEOPLE": ("person_key", "region", "age", "home", "tags", "extras"),
    "EVENTS": ("person_key", "code", "amount", "day"),
}
PUBLIC = {
    # `regions` has a column named like the unit, with values of real units in it.
    "REGIONS": ("region", "name", "person_key"),
    "CODES": ("code", "weight"),
}
RELATIONS = (
    *(
        Personal(name=NAMES[short], columns=columns, units=frozenset({UNIT}))
        for short, columns in PERSONAL.items()
    ),
    *(Public(name=NAMES[short], columns=columns) for short, columns in PUBLIC.items()),
    # Two people to a row; nobody's key in it.
    Personal(
        name=NAMES["PAYMENTS"],
        columns=("payer_key", "payee_key", "amount"),
        units=frozenset({"payer_key", "payee_key"}),
    ),
    Personal(name=NAMES["STAFF"], columns=("employee", "region"), units=frozenset()),
)
DATA = {
    "PEOPLE": """
        select * from (values
            ('ann', 'north', 30, {'person_key': 'x', 'rooms': 1}, [1, 2], '{"a": true}'::json),
            ('bob', 'north', 40, {'person_key': 'x', 'rooms': 2}, [3], '{"a": false}'::json),
            ('cat', 'south', 50, {'person_key': 'y', 'rooms': 3}, [1, 3], '{}'::json),
            ('dan', 'south', 40, {'person_key': 'y', 'rooms': 1}, [], '{"a": true}'::json),
            (null, 'north', 20, {'person_key': 'x', 'rooms': 1}, [2], '{}'::json)
        ) as t(person_key, region, age, home, tags, extras)
    """,
    "EVENTS": """
        select * from (values
            ('ann', 'a', 10, date '2024-01-01'), ('ann', 'b', 20, date '2024-01-02'),
            ('ann', 'a', 10, date '2024-01-03'), ('bob', 'a', 10, date '2024-01-01'),
            ('bob', 'c', 40, date '2024-01-04'), ('cat', 'b', 20, date '2024-01-02'),
            ('eve', 'a', 70, date '2024-01-05'), (null, 'a', 10, date '2024-01-01')
        ) as t(person_key, code, amount, day)
    """,
    "PAYMENTS": """
        select * from (values ('ann', 'bob', 5), ('bob', 'cat', 6))
            as t(payer_key, payee_key, amount)
    """,
    "STAFF": "select * from (values ('ann', 'north'), ('bob', 'south')) as t(employee, region)",
    "REGIONS": """
        select * from (values ('north', 'Nord', 'ann'), ('south', 'Sued', 'bob'),
            ('west', 'West', 'ann')) as t(region, name, person_key)
    """,
    "CODES": "select * from (values ('a', 1), ('b', 2), ('c', 3), ('d', 4)) as t(code, weight)",
}
UNITS = ("ann", "bob", "cat", "dan", "eve", None)
_OF = {
    "PEOPLE": (UNIT,),
    "EVENTS": (UNIT,),
    "PAYMENTS": ("payer_key", "payee_key"),
    "STAFF": ("employee",),
}


class Case(NamedTuple):
    """One row query.

    Attributes:
        reason: why it is stable, or not, in a few words.
        sql: with `PEOPLE` and the like for the relations.
        rule: by which it is refused; None where it is stable.
        bites: taking a person away changes rows of others in the small data.
    """

    reason: str
    sql: str
    rule: Rule | None = None
    bites: bool = True

    @property
    def compiled(self) -> str:
        return compiled(self.sql)


def compiled(sql: str) -> str:
    """The SQL with every relation as dbt compiles it."""
    return re.sub("|".join(NAMES), lambda match: NAMES[match[0]], sql)


def check(sql: str, *, ordered: bool = False) -> list[Unstable]:
    return check_stable(compiled(sql), RELATIONS, unit=UNIT, ordered=ordered)


# -- the same query with and without a person

Rows = Counter[tuple[str, ...]]


@contextmanager
def database(without: object = "nobody") -> Iterator[duckdb.DuckDBPyConnection]:
    """The small data, without the rows of one unit."""
    with duckdb.connect() as conn:
        conn.execute("attach ':memory:' as pseudonymized; attach ':memory:' as marts")
        conn.execute("set enable_external_access = false")  # a COPY among the queries
        for short, sql in DATA.items():
            kept = " and ".join(
                f"{column} is distinct from $without" for column in _OF.get(short, ())
            )
            values = {"without": without} if kept else {}
            conn.execute(
                f"create table {NAMES[short]} as select * from ({sql}) where {kept or True}", values
            )
        yield conn


@contextmanager
def worlds() -> Iterator[dict[object, duckdb.DuckDBPyConnection]]:
    """The small data by who is missing; `nobody` is the whole of it."""
    with ExitStack() as stack:
        yield {unit: stack.enter_context(database(unit)) for unit in ("nobody", *UNITS)}


def others(conn: duckdb.DuckDBPyConnection, sql: str, unit: object) -> Rows:
    """How often each row stands in a result, those that carry a unit left out."""
    result = conn.execute(sql)
    names = [column[0].lower() for column in result.description]
    at = names.index(UNIT) if UNIT in names else None
    return Counter(
        tuple(map(repr, row)) for row in result.fetchall() if at is None or row[at] != unit
    )


def changed(worlds: dict[object, duckdb.DuckDBPyConnection], sql: str) -> list[object]:
    """The units without whom other people's rows, or anybody's of theirs, are not the same."""
    found = []
    for unit in UNITS:
        if others(worlds["nobody"], sql, unit) != others(worlds[unit], sql, "nobody"):
            found.append(unit)
    return found


def _cases(text: str) -> tuple[Case, ...]:
    """Cases of a text: `-- reason`, then the SQL; `## rule` before those that it refuses.

    `untried` behind a rule: taking a person away from the small data changes nothing, or chance
    says whether, or DuckDB does not run it.
    """
    found: list[Case] = []
    rule, bites, reason, lines = None, True, "", list[str]()
    for line in [*text.splitlines(), "-- "]:
        if reason and line.startswith(("-- ", "## ")):
            found.append(Case(reason, "\n".join(lines), rule, bites))
            reason, lines = "", []
        if line.startswith("## "):
            name, _, untried = line.removeprefix("## ").partition(", ")
            rule, bites = Rule(name), not untried
        elif line.startswith("-- "):
            reason = line.removeprefix("-- ")
        elif reason:
            lines.append(line)
    return tuple(found)


STABLE = (
    *_cases("""
-- the rows as they are
select * from EVENTS
-- named columns
select person_key, code, amount from EVENTS
-- a filter by the row's own values
select person_key, code from EVENTS where amount > 10
-- names have no case
select "PERSON_KEY", Code from EVENTS as E where e."CODE" = 'a'
-- the name of the table
select psn_events.person_key from EVENTS
-- a name with database and schema
select pseudonymized.main.psn_events.person_key from EVENTS
-- columns renamed by the alias
select e.a as person_key, e.b from EVENTS as e(a, b, c, d)
-- renamed and back
select k as person_key, amount from (select person_key as k, amount from EVENTS) as e
-- brackets around the unit
select (person_key) as person_key, code from EVENTS
-- alias before the value
select person_key, twice: amount * 2 from e: EVENTS
-- matches and operators
select person_key, code ~ 'a|b' as m, code ^@ 'a' as s, @amount as a, amount ** 2 as p from EVENTS
-- a value of a public list beside a row's own
select person_key, (select sum(t) from unnest(p.tags) as u(t)) as s from PEOPLE as p
-- columns of a join, one of two names left out
select e.*, p.* exclude (person_key) from PEOPLE as p join EVENTS as e using (person_key)
-- the later of two equal names is another one
select d.* from (select p.*, e.* from PEOPLE as p join EVENTS as e
on p.person_key = e.person_key) as d
-- numbers and signs
select person_key, (amount) + 1 as a, amount + 1.5 as b, amount * -1 as c, 1e3 as d, 1_000 as e
from EVENTS where amount + 1 > -1
-- FROM first
from EVENTS select person_key, code
-- FROM alone
from EVENTS
-- expressions over one row
select person_key, upper(code) as code, amount * 2 + 1 as amount, case when amount > 10 then
'high' else 'low' end as band, if(code in ('a', 'b'), 1, 0) as is_ab, coalesce(amount, 0) as
known, amount between 5 and 15 as is_mid, code like 'a%' as is_a, amount::double as value,
try_cast(code as integer) as number, date_trunc('month', day) as month, extract(year from day) as
year, day + interval 1 day as next_on, 1 / amount as share, code is distinct from 'a' as is_other,
- amount as less, amount % 3 as rest from EVENTS
-- a struct's field
select person_key, home.rooms, home['rooms'] as again from PEOPLE
-- functions of the row's own list
select person_key, list_transform(tags, lambda t: t + 1) as more, [t for t in tags if t > 1] as
big, len(tags) as size, tags[1] as first_tag, list_sum(tags) as total, list_aggregate(tags, 'max')
as greatest from PEOPLE
-- JSON of the row
select person_key, extras ->> 'a' as a, extras->'$.b' as b from PEOPLE
-- structs, maps and lists of the row
select person_key, {'region': region, 'age': age} as s, map {region: age} as m, [age, age + 1] as
l, row(age, region) as r from PEOPLE
-- the row as a struct
select person_key, p as whole from PEOPLE as p
-- EXCLUDE
select * exclude (region, extras) from PEOPLE
-- REPLACE of another column
select * replace (age // 10 as age) from PEOPLE
-- RENAME of another column
select * rename (age as years) from PEOPLE
-- a plain order
select person_key, amount from EVENTS order by amount desc, 1
-- order by all
select person_key, amount from EVENTS order by all
-- an alias used beside it
select person_key, amount * 2 as twice, twice + 1 as more from EVENTS where twice > 20
-- inner join with a public relation
select e.person_key, e.code, c.weight from EVENTS as e join CODES as c on e.code = c.code
-- public relation first
select e.person_key, c.weight from CODES as c join EVENTS as e on e.code = c.code
-- left join that keeps the person
select person_key, weight from EVENTS left join CODES using (code)
-- cross join
select person_key, c.weight from EVENTS cross join CODES as c
-- comma
select e.person_key, c.weight from EVENTS as e, CODES as c where c.code = e.code
-- any condition
select e.person_key, c.code from EVENTS as e join CODES as c on e.amount > c.weight * 10
-- semi join
select * from EVENTS semi join CODES using (code)
-- anti join
select e.* from EVENTS as e anti join CODES as c on e.code = c.code and c.weight > 1
-- natural join
select person_key, code, weight from EVENTS natural join CODES
-- join of two public relations that keeps both
select e.person_key, r.name from EVENTS as e join (select c.code, r.name from CODES as c full join
REGIONS as r on c.weight = 1) as r on r.code is not distinct from e.code
-- a public column named like the unit is one column more
select p.person_key, r.person_key as patron from PEOPLE as p join REGIONS as r on p.region =
r.region
-- a constant table
select person_key, v.band from EVENTS join (values ('a', 'x'), ('b', 'y')) as v(code, band) using
(code)
-- a constant list of numbers
select person_key, i from EVENTS, range(3) as r(i) where i < amount
-- a public series
select person_key, g.n from PEOPLE cross join generate_series(1, 2) as g(n)
-- the row's own list, unnested
select p.person_key, t.tag from PEOPLE as p, unnest(p.tags) as t(tag)
-- the same with LATERAL
select p.person_key, tag from PEOPLE as p, lateral unnest(p.tags) as t(tag)
-- the same, keeping rows without
select p.person_key, tag from PEOPLE as p left join unnest(p.tags) as t(tag) on true
-- a list made in place
select person_key, unnest([amount, amount + 1]) as n from EVENTS
-- brackets around a join
select e.person_key, name from (PEOPLE as p join REGIONS as r on p.region = r.region) join EVENTS
as e on p.person_key = e.person_key
-- joined by the unit
select p.person_key, e.amount from PEOPLE as p join EVENTS as e on p.person_key = e.person_key
-- joined by the unit, the other way round, with more
select e.person_key, e.amount from PEOPLE as p join EVENTS as e on e.amount > p.age - 25 and
(e.person_key) = p.person_key
-- USING the unit
select person_key, region, amount from PEOPLE join EVENTS using (person_key)
-- USING the unit, a star
select * from PEOPLE join EVENTS using (person_key)
-- natural join by the unit
select person_key, age, amount from PEOPLE natural join EVENTS
-- left join by the unit
select p.person_key, amount from PEOPLE as p left join EVENTS as e on p.person_key = e.person_key
-- semi join by the unit
select * from EVENTS semi join PEOPLE using (person_key)
-- anti join by the unit
select e.* from EVENTS as e anti join PEOPLE as p on e.person_key = p.person_key and p.age > 35
-- a chain of joins
select p.person_key, e.code, f.code as other, r.name, c.weight from PEOPLE as p join EVENTS as e
on e.person_key = p.person_key join EVENTS as f on f.person_key = e.person_key and f.day > e.day
join REGIONS as r on r.region = p.region left join CODES as c on c.code = e.code
-- joins in a row without brackets
select a.person_key from PEOPLE as a join EVENTS as b join EVENTS as c on b.person_key =
c.person_key on a.person_key = b.person_key
-- CTEs, one of them twice
with e as (select person_key, amount from EVENTS where amount > 5), sums as (select person_key,
sum(amount) as total from e group by person_key) select e.person_key, amount / total as share from
e join sums using (person_key)
-- a CTE with column names
with e(person_key, cost) as materialized (select person_key, amount from EVENTS) from e
-- a CTE named like a table
with psn_events as (select * from EVENTS where code = 'a') select * from psn_events
-- a CTE of the same name inside
with e as (select * from CODES) select * from (with e as (select * from EVENTS) select * from e)
as d
-- a subquery in FROM
select d.* from (select person_key, max(age) as age from PEOPLE group by all) as d
-- IN a public relation
select * from EVENTS where code in (select code from CODES)
-- EXISTS in a public relation
select * from EVENTS as e where exists (select 1 from CODES as c where c.code = e.code)
-- ANY and ALL of a public relation
select * from EVENTS where code = any (select code from CODES) and amount >= all (select weight
from CODES)
-- a value from a public relation
select person_key, (select max(weight) from CODES as c where c.code = e.code) as weight from
EVENTS as e
-- a list from a public relation
select person_key, array(select code from CODES order by code) as codes from EVENTS
-- grouped by the unit
select person_key, code, count(*) as n, sum(amount) as total, list(amount order by amount) as l,
count(distinct day) as days, max(day) filter (where amount > 10) as latest from EVENTS group by
person_key, code having count(*) > 0
-- grouped by place
select code, person_key, count(*) as n from EVENTS group by 2, 1
-- grouped by an alias
select person_key as person_key, count(*) as n from EVENTS group by person_key
-- grouped by another name
select person_key from (select person_key as k, count(*) as n from EVENTS group by k) as
d(person_key, n)
-- grouped by all
select person_key, code, count(*) as n from EVENTS group by all
-- grouped by a tuple
select person_key, sum(amount) as n from EVENTS group by (person_key, code)
-- a computed group within a person
select person_key, month(day) as m, count(*) from EVENTS group by person_key, month(day)
-- groups of a join
select p.person_key, max(amount) as most from PEOPLE as p left join EVENTS as e using (person_key)
group by p.person_key
-- distinct rows with the unit
select distinct person_key, code from EVENTS
-- distinct by place
select distinct on (1, 2) person_key, code, amount from EVENTS order by all
-- distinct by a row of values
select distinct on ((person_key, code)) person_key, amount from EVENTS order by all
-- one row for each unit
select distinct on (person_key) person_key, day from EVENTS order by day
-- a window over one person's rows
select person_key, amount, sum(amount) over (partition by person_key) as total, row_number() over
(partition by person_key order by day, amount, code) as n, lag(amount) over (partition by
person_key, code order by day) as last_amount from EVENTS
-- a named window
select person_key, sum(amount) over (w order by day) as so_far, count(*) over w as n from EVENTS
window w as (partition by person_key)
-- a frame
select person_key, avg(amount) over (partition by person_key order by day rows between 1 preceding
and current row) as smooth from EVENTS
-- QUALIFY
select * from EVENTS qualify row_number() over (partition by person_key order by day, code) = 1
-- a window over groups
select person_key, code, sum(count(*)) over (partition by person_key) as n from EVENTS group by
person_key, code
-- a window over public rows
select person_key, place from EVENTS join (select code, rank() over (order by weight) as place
from CODES) as c using (code)
-- groups of public rows
select person_key, n from PEOPLE join (select region, count(*) as n from REGIONS group by region)
as r using (region)
-- UNION ALL of owned branches
select person_key, code from EVENTS union all select person_key, region from PEOPLE
-- UNION
select person_key from EVENTS union select person_key from PEOPLE
-- UNION BY NAME
select code, person_key from EVENTS union all by name select person_key, age from PEOPLE
-- INTERSECT
select person_key from EVENTS intersect select person_key from PEOPLE
-- EXCEPT
(select person_key, code from EVENTS) except (select person_key, 'a' from PEOPLE) order by
person_key
-- EXCEPT ALL
select person_key, code from EVENTS except all select person_key, 'a' from PEOPLE
-- three branches, the unit second
select code as c, person_key from EVENTS union all select region, person_key from PEOPLE union all
(select 'x', k from (select person_key as k from EVENTS) as e)
"""),
    Case(
        "comments and line ends",
        "(select person_key, -- the unit\r\n /* not /* the */ day */ code from EVENTS)",
    ),
)

UNSTABLE = (
    *_cases("""
## limit
-- who is first depends on who is there
select * from EVENTS order by amount limit 2
-- the same inside
select * from (select * from EVENTS order by day limit 3) as e
-- the same in a CTE
with e as (select * from EVENTS limit 3) select * from e
-- who is skipped
select * from EVENTS order by amount, day offset 2
-- FETCH
select * from EVENTS order by amount fetch first 2 rows only
-- limit of a union
select person_key from EVENTS union all select person_key from PEOPLE order by person_key limit 4
-- limit in brackets
(select * from EVENTS order by all) limit 3

## limit, untried
-- a sample
select * from EVENTS using sample 50%
-- a sample of a table
select * from EVENTS tablesample reservoir(3)
-- which public row is first is not said
select person_key, (select weight from CODES limit 1) as w from EVENTS

## join
-- every pair of people
select e.person_key, p.age from EVENTS as e cross join PEOPLE as p
-- every pair by a comma
select e.person_key, p.age from EVENTS as e, PEOPLE as p
-- joined by what people share
select p.person_key, q.age from PEOPLE as p join PEOPLE as q on p.region = q.region
-- joined by an alternative
select p.person_key, e.code from PEOPLE as p join EVENTS as e on p.person_key = e.person_key or
p.age = e.amount
-- the unit compared with another column
select p.person_key, e.code from PEOPLE as p join EVENTS as e on p.region = e.person_key or true
and p.person_key <> e.person_key
-- the unit computed
select p.person_key, e.code from PEOPLE as p join EVENTS as e on left(p.person_key, 0) =
left(e.person_key, 0)
-- the unit compared with itself
select p.person_key, e.code from PEOPLE as p join EVENTS as e on p.person_key = p.person_key
-- both units, compared within a condition
select p.person_key, e.code from PEOPLE as p join EVENTS as e on (p.person_key = e.person_key) is
not null
-- not equal
select p.person_key, e.code from PEOPLE as p join EVENTS as e on not p.person_key = e.person_key
-- a unit of a public relation
select p.person_key, q.age from PEOPLE as p join (select q.age, r.person_key from PEOPLE as q join
REGIONS as r on q.region = r.region) as q on p.person_key = q.person_key
-- a unit that a left join may have lost
select d.person_key, p.age from (select p.person_key, coalesce(e.person_key, 'bob') as other from
PEOPLE as p left join EVENTS as e on p.person_key = e.person_key) as d join PEOPLE as p on
p.person_key = d.other
-- semi join without the unit
select * from EVENTS as e semi join PEOPLE as p on p.age = e.amount
-- anti join without the unit
select * from EVENTS as e anti join PEOPLE as p on p.age = e.amount
-- USING what people share
select p.person_key, q.age from PEOPLE as p join PEOPLE as q using (region)
-- the condition stands in WHERE of another pair
select p.person_key, f.code from PEOPLE as p join EVENTS as e using (person_key) join EVENTS as f
on e.code = f.code
-- natural join without the unit
select p.person_key, q.n from PEOPLE as p natural join (select region, person_key as k, 1 as n
from PEOPLE) as q
-- a public relation between them
select p.person_key, e.code from PEOPLE as p join REGIONS as r on p.region = r.region join EVENTS
as e on e.person_key = r.person_key
-- a column renamed to the unit's name
select p.person_key, d.code from PEOPLE as p join (select code, 'ann' as person_key from EVENTS)
as d using (person_key)
-- a list for units and one for names, changed over
select p.person_key, e.amount from PEOPLE as p join EVENTS as e(code, person_key, amount, day) on
p.person_key = e.person_key or length(e.person_key) = 1
-- the equality on one side of an arrow
select p.person_key, e.code from PEOPLE as p join EVENTS as e on (p.extras ->> 'a') = 'true' and
p.age > 0

## join, untried
-- by the unit, but only in WHERE
select p.person_key from PEOPLE as p, EVENTS as e where p.person_key = e.person_key
-- to DuckDB an arrow binds less than AND
select p.person_key, e.code from PEOPLE as p join EVENTS as e on p.extras -> 'a' and p.person_key
= e.person_key
-- cast on one side
select p.person_key, e.code from PEOPLE as p join EVENTS as e on p.person_key =
e.person_key::varchar

## preserved
-- a public row that stays tells who is absent
select e.person_key, c.code from CODES as c left join EVENTS as e on c.code = e.code
-- right join
select e.person_key, c.code from EVENTS as e right join CODES as c on e.code = c.code
-- full join
select e.person_key, c.code from EVENTS as e full join CODES as c using (code)
-- public rows without a person
select c.code, c.weight as person_key from CODES as c anti join EVENTS as e using (code)
-- public rows with a person
select c.code as person_key from CODES as c semi join EVENTS as e on c.code = e.code

## preserved, untried
-- full join of the same person
select person_key from PEOPLE full join EVENTS using (person_key)

## group
-- a total over all
select 'ann' as person_key, count(*) as n from EVENTS
-- the unit inside an aggregate
select max(person_key) as person_key, code from EVENTS group by code
-- any of them
select code, arg_max(person_key, amount) as person_key from EVENTS group by code
-- groups of what people share
select code, sum(amount) as person_key from EVENTS group by code
-- the unit computed
select max(person_key) as person_key, count(*) as n from EVENTS group by left(person_key, 0)
-- a public column of the unit's name
select max(p.person_key) as person_key, count(*) as n from PEOPLE as p join REGIONS as r on
p.region = r.region group by r.person_key
-- a unit that a left join may have lost
select max(p.person_key) as person_key, count(*) as n from PEOPLE as p left join EVENTS as e on
p.person_key = e.person_key and e.amount > 40 group by e.person_key
-- HAVING without groups
select 'ann' as person_key from EVENTS having count(*) > 7
-- a group of everything
select max(person_key) as person_key from EVENTS group by ()
-- group by all without the unit
select code, max(person_key) as person_key from EVENTS group by all
-- an aggregate after a dot
select person_key.max() as person_key from EVENTS
-- an alias that is no unit
select code as k, max(person_key) as person_key from EVENTS group by k
-- a place that is no unit
select code, max(person_key) as person_key from EVENTS group by 1
-- a total, joined back
select e.person_key, t.n from EVENTS as e cross join (select count(*) as n from EVENTS) as t

## construct
-- one group more, of everybody
select person_key, count(*) as n from EVENTS group by rollup (person_key)
-- every grouping
select person_key, code, count(*) as n from EVENTS group by cube (person_key, code)
-- grouping sets
select person_key, code, count(*) as n from EVENTS group by grouping sets ((person_key), (code))
-- a positional join
select e.person_key, p.age from EVENTS as e positional join PEOPLE as p
-- the nearest row of anybody
select e.person_key, p.age from EVENTS as e asof join PEOPLE as p on e.amount >= p.age
-- columns of data
select * from (pivot EVENTS on code using sum(amount) group by person_key) as d
-- a recursive walk from row to row
with recursive walk as ( select person_key, region, 0 as step from PEOPLE union all select
w.person_key, p.region, w.step + 1 from walk as w join PEOPLE as p on p.age > w.step * 15 where
w.step < 2 ) select * from walk
-- a struct's fields become columns
select person_key, age from (select unnest(home), age, person_key as p from PEOPLE) as d

-- a named window that goes on from another, which DuckDB forgets
select person_key, count(*) over (v order by day) as n from EVENTS
window v as (w), w as (partition by person_key)

## construct, untried
-- UNPIVOT
select * from (unpivot EVENTS on amount) as d
-- columns by a pattern
select columns('person.*|code') from EVENTS
-- columns by a pattern, in brackets
select max(columns(*)) from EVENTS group by person_key
-- a column by its place
select person_key, #2 as c from EVENTS
-- a type that may hold the data
select person_key, try_cast(code as codes_enum) as c from EVENTS
-- a placeholder
select person_key, ? as c from EVENTS
-- an alias that DuckDB ignores
select person_key from (PEOPLE as p join EVENTS as e using (person_key)) as j
-- EXCLUDE of one of two
select * exclude (e.person_key) from PEOPLE as p join EVENTS as e using (person_key)
-- an older version
select * from EVENTS at (version => 1)

## distinct
-- equal rows of two people become one
select e.person_key, d.code from (select distinct code from EVENTS) as d cross join EVENTS as e
-- one row for each code
select distinct on (code) person_key, code from EVENTS order by amount, person_key
-- distinct without the unit
select distinct code as person_key from EVENTS
-- in a row of values a number is no place
select distinct on ((1, 2)) person_key, code from EVENTS order by all
-- an alias hides the unit
select distinct on (person_key) 1 as person_key, e.person_key as k from EVENTS as e
-- a replaced column hides the unit
select distinct on (person_key) * replace (1 as person_key), e.person_key as k from EVENTS as e
order by amount, k

## window
-- a place among all
select person_key, row_number() over (order by amount, day) as n from EVENTS
-- a total over all
select person_key, sum(amount) over () as total from EVENTS
-- a share of a code
select person_key, count(*) over (partition by code) as n from EVENTS
-- the first of a code
select * from EVENTS qualify row_number() over (partition by code order by amount desc,
person_key) = 1
-- a named window without the unit
select person_key, count(*) over w as n from EVENTS window w as (partition by code)
-- the unit computed
select person_key, count(*) over (partition by left(person_key, 0)) as n from EVENTS
-- a public column of the unit's name
select p.person_key, count(*) over (partition by r.person_key) as n from PEOPLE as p join REGIONS
as r on p.region = r.region
-- the unit in ORDER BY
select person_key, rank() over (order by person_key) as n from EVENTS
-- a window over groups of all
select person_key, sum(count(*)) over () as n from EVENTS group by person_key
-- an alias that is no unit
select person_key, code as k, count(*) over (partition by k) as n from EVENTS
-- a unit that a left join may have lost
select p.person_key, count(*) over (partition by e.person_key) as n from PEOPLE as p left join
EVENTS as e on p.person_key = e.person_key and e.amount > 40

## set_operation
-- a union drops equal rows of two people
select p.person_key, d.c from PEOPLE as p cross join (select code as c from EVENTS union select
code from EVENTS) as d
-- rows that are in both
select age as person_key from PEOPLE intersect select amount from EVENTS
-- the unit in two places
select person_key, code from EVENTS union select code, person_key from EVENTS
-- rows without those of somebody
select age as person_key from PEOPLE except select amount from EVENTS
-- a public relation without people's codes
select code as person_key from CODES except select code from EVENTS
-- by name, under two names
select person_key, code from EVENTS union by name select person_key as k, region as person_key
from PEOPLE
-- to DuckDB INTERSECT binds more than UNION
select person_key, code from EVENTS union by name select 'ann' as code, person_key from PEOPLE
intersect select person_key, 'bob' as x from PEOPLE

## set_operation, untried
-- a public branch has no unit
select person_key, code from EVENTS union all select person_key, region from REGIONS
-- the public rows of the unit's name
select person_key from EVENTS except select person_key from REGIONS

## subquery
-- chosen by other people
select * from EVENTS where amount > (select avg(amount) from EVENTS)
-- the codes of anybody
select * from EVENTS where code in (select code from EVENTS where amount > 30)
-- codes of nobody
select * from EVENTS where code not in (select code from EVENTS where amount > 30)
-- somebody of the same age
select * from PEOPLE as p where exists (select 1 from PEOPLE as q where q.age = p.age and
q.person_key <> p.person_key)
-- more than anybody
select * from EVENTS where amount >= all (select amount from EVENTS)
-- as much as somebody
select * from PEOPLE where age = any (select amount from EVENTS)
-- a value of all
select person_key, (select count(*) from EVENTS) as n from PEOPLE
-- a list of all
select person_key, array(select code from EVENTS) as l from PEOPLE
-- a CTE of people
with t as (select person_key, max(amount) as m from EVENTS group by person_key) select * from
EVENTS where amount >= (select max(m) from t)
-- inside an aggregate
select person_key, sum(amount + (select count(*) from EVENTS)) as s from EVENTS group by
person_key
-- inside a condition of a join
select e.person_key, c.weight from EVENTS as e join CODES as c on c.weight < (select count(*) - 5
from EVENTS)
-- inside HAVING
select person_key, count(*) as n from EVENTS group by person_key having count(*) >= (select
avg(amount) / 10 from EVENTS)
-- an aggregate over the outer rows
select (select sum(e.amount)) as person_key from EVENTS as e
-- inside a list that is unnested
select p.person_key, t.x from PEOPLE as p, unnest((select list(amount) from EVENTS)) as t(x)
-- inside a public relation
select p.person_key, c.n from PEOPLE as p cross join (select (select count(*) from EVENTS) as n
from CODES) as c
-- inside VALUES
select p.person_key, v.n from PEOPLE as p, (values ((select count(*) from EVENTS))) as v(n)
-- in a list of values
select * from PEOPLE where 8 in (values ((select count(*) from EVENTS)))
-- the order of groups
select person_key, rank() over (partition by person_key order by (select max(amount) from EVENTS)
- amount) + (select max(amount) from EVENTS) as n from EVENTS

## subquery, untried
-- by the unit, which a semi join says as well
select * from EVENTS as e where exists (select 1 from PEOPLE as p where p.person_key =
e.person_key)
-- an aggregate of the outer rows
select person_key, (select max(e.amount) from CODES) as n from EVENTS as e group by person_key

## lateral, untried
-- a query that looks at its neighbour
select p.person_key, d.n from PEOPLE as p, (select count(*) as n from CODES as c where c.weight <
p.age) as d
-- the same with LATERAL
select p.person_key, d.n from PEOPLE as p, lateral (select p.age + 1 as n) as d
-- a series as long as a row says
select p.person_key, n from PEOPLE as p, range(p.age) as r(n)

## volatile, untried
-- chance
select * from EVENTS where random() < 0.5
-- chance as a value
select person_key, uuid() as id from EVENTS
-- today
select * from EVENTS where day > current_date - 3
-- now
select person_key, now() as at from EVENTS
-- since today
select person_key, age(day::timestamp) as old from EVENTS
-- a counter of the connection
select person_key, nextval('s') as n from EVENTS
-- chance in the order
select * from EVENTS order by random()
-- the version
select person_key, version() as v from EVENTS

## function, untried
-- a sample of the rows
select person_key, reservoir_quantile(amount, 0.5) as m from EVENTS group by person_key
-- a sample by its name
select person_key, list_aggregate(tags, 'reservoir_quantile', 0.5) as m from PEOPLE
-- nobody knows it
select person_key, frobnicate(amount) as m from EVENTS
-- a secret of the connection
select person_key, getvariable('x') as m from EVENTS
-- a setting
select person_key, current_setting('threads') as m from EVENTS
-- values of a type
select person_key, enum_range(null::mood) as m from EVENTS
-- statistics of a column
select person_key, stats(amount) as m from EVENTS
-- a mask
select person_key, veil_pseudonym(code) as m from EVENTS

## relation, untried
-- a relation that is not listed
select * from "identified"."main"."people"
-- a short name
select * from psn_events
-- a file
select * from 'people.parquet'
-- a reader
select * from read_csv('people.csv')
-- a relation in a text
select * from query_table('psn_events')
-- a later CTE
with a as (select * from b), b as (select * from EVENTS) select * from a
-- a CTE of another query
select * from (with e as (select * from EVENTS) select * from e) as d join e using (person_key)

## owner
-- two people in one row
select payer_key as person_key, amount from PAYMENTS

## owner, untried
-- nobody's key in it
select employee as person_key, region from STAFF

## column
-- where a row lies depends on the others
select person_key, rowid as n from EVENTS

## column, untried
-- no such column
select person_key, colour from EVENTS
-- a letter that only looks like a k
select person_\u212aey as person_key from EVENTS
-- fields of a struct
select home.* from PEOPLE
-- a made-up name
select person_key, "count_star()" from (select person_key, count(*) from EVENTS group by 1) as d

## unit
-- computed
select upper(person_key) as person_key, code from EVENTS
-- a constant
select 'ann' as person_key, code from EVENTS
-- another column
select code as person_key from EVENTS
-- a public relation's
select r.person_key, age from PEOPLE as p join REGIONS as r on p.region = r.region
-- one of two
select coalesce(e.person_key, 'zoe') as person_key from PEOPLE as p left join EVENTS as e on
p.person_key = e.person_key
-- after a left join
select e.person_key, p.age from PEOPLE as p left join EVENTS as e on p.person_key = e.person_key
-- a field of a struct
select home.person_key, age from PEOPLE
-- a table named like a struct
select home.person_key, age from (select home, age from PEOPLE) as d
-- replaced
select * replace (left(person_key, 1) as person_key) from PEOPLE
-- renamed away
select * rename (person_key as k, region as person_key) from PEOPLE
-- columns changed over
select * from EVENTS as e(code, person_key, amount, day)
-- the second of two names
select d.person_key from (select r.*, p.* from REGIONS as r join PEOPLE as p on p.region =
r.region) as d
-- a name that another column may have
select d."upper(code)" as person_key from (select upper(code), person_key as "upper(code)" from
EVENTS) as d
-- left out
select code, amount from EVENTS

## unit, untried
-- a public relation's
select r.person_key, age from PEOPLE as p join REGIONS as r on p.region = r.region
-- nobody's rows
select person_key, region from REGIONS
-- no table at all
select 'ann' as person_key
-- cast
select person_key::varchar as person_key, code from EVENTS
-- twice
select person_key, code, person_key from EVENTS
-- a unit under a made-up name
select person_key_1 as person_key from (select r.*, p.* from REGIONS as r join PEOPLE as p on
p.region = r.region) as d
-- public rows first in USING
select * from (select 'ann' as person_key, 1 as x) as c join PEOPLE using (person_key)

## statement, untried
-- two statements
select * from EVENTS; select * from EVENTS
-- no query
delete from EVENTS
-- a summary
summarize EVENTS
-- a description
describe EVENTS
-- nothing
-- a copy
copy EVENTS to 'file.csv'

## unreadable, untried
-- no SQL
select from where
-- a tree that sqlglot cannot have meant
select * rename by (age as years) from PEOPLE
-- to DuckDB this is `9 as e`
select person_key, 9e from EVENTS
-- to DuckDB this is `5. as _1`
select person_key, 5._1 from EVENTS
-- to DuckDB this column is not named as the one in it
select d.person_key from (select +person_key, code as person_key from EVENTS) as d
-- the same behind DISTINCT ON
select distinct on (person_key) +person_key, code as person_key from EVENTS
-- to DuckDB this has a FROM
select * from PEOPLE where exists (select @8. from EVENTS where amount > 30)
"""),
    Case(
        "an end that DuckDB sees and sqlglot does not",
        "select person_key from EVENTS\0 limit 1",
        Rule.UNREADABLE,
        bites=False,
    ),
    Case(
        "a space that sqlglot takes for an alias",
        "select person_key, upper(code) \u200b from EVENTS",
        Rule.UNREADABLE,
        bites=False,
    ),
)
