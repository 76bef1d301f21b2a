"""The canonical query: one text for one query, however, wherever and for whom it is spelled."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.errors import VeilError
from veil.policy.canonical import KEYWORDS, canonical_query

PSN = '"pseudonymized"."main"."psn_visits"'
REGIONS = '"shop_dev"."main"."seed_regions"'
IDS = {PSN: "model.shop.psn_visits", REGIONS: "seed.shop.seed_regions"}
QUERY = f"""with visits as (
    select v.visitor_key, r.region_name as region, v.cost * 2 as cost, count(*) over (partition by
        v.visitor_key) as n
    from {PSN} as v left join {REGIONS} as r on v.region = r.region and v.day >= date '2026-06-01'
    where v.cost <> -1 and v.note <> 'It''s  $1 -- no /* comment */'
    union all
    select visitor_key, 'north', 1.50, 2 from {PSN} where not region in ('n', 'N')
)
select visitor_key, region, cost::integer as cost from visits"""
CHANGES = {
    "literal": ("1.50", "1.5"),
    "text": ("'north'", "'North'"),
    "text_with_spaces": ("It''s  $1", "It''s $1"),
    "comment_in_a_text": ("-- no", "--no"),
    "case_in_a_text": ("('n', 'N')", "('N', 'n')"),
    "operator": ("v.cost * 2", "v.cost + 2"),
    "comparison": (">=", ">"),
    "negated": ("not region in", "region in"),
    "sign": ("<> -1", "<> 1"),
    "column": ("select v.visitor_key", "select v.person_key"),
    "qualifier": ("r.region_name", "v.region_name"),
    "alias": ("as region", "as area"),
    "quoted_alias": ("as region", 'as "reg ion"'),
    "join_kind": ("left join", "inner join"),
    "join_side": ("left join", "right join"),
    "connective": ("r.region and", "r.region or"),
    "function": ("count(*)", "sum(*)"),
    "cast": ("::integer", "::bigint"),
    "union": ("union all", "union"),
    "relation": (f"from {PSN} where", f"from {REGIONS} where"),
    "order_of_columns": (
        "visitor_key, region, cost::integer",
        "region, visitor_key, cost::integer",
    ),
    "brackets": ("v.cost <> -1 and v.note", "(v.cost <> -1 and v).note"),
}


def canonical(sql: str, ids: dict[str, str] | None = None) -> str:
    return canonical_query(sql, IDS if ids is None else ids)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_meaning_is_another_query(name: str) -> None:
    """Every literal, operator, name, join and set operation counts."""
    before, after = CHANGES[name]

    assert before in QUERY
    assert canonical(QUERY.replace(before, after, 1)) != canonical(QUERY)


def test_the_order_of_union_branches_counts() -> None:
    """It names the columns, and may order the rows."""
    one, two = f"select a from {PSN}", "select 1 as b"

    assert canonical(f"{one} union all {two}") != canonical(f"{two} union all {one}")


PIECE = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\w+|<>|>=|::|\s+|.""", re.DOTALL)
SPACES = [" ", "\n", "\t  ", " /* why */ ", " -- why\n", "/* a /* b */ 'c */", "\u00a0", "--\r"]


def respelled(sql: str, draw: random.Random) -> str:
    """The same query under another hand: space, comments, case, quotes."""
    made = []
    for piece in PIECE.findall(sql):
        if piece.isspace():
            made.append(draw.choice(SPACES))
        elif piece[0] == "'":
            made.append(piece)
        elif piece[0] == '"':
            made.append(draw.choice([piece, piece.upper()]))
        elif re.fullmatch(r"[a-z_]\w*", piece):
            spellings = [piece, piece.upper(), piece.title()]
            if piece not in KEYWORDS and piece not in {"date", "v", "r"}:
                spellings.append(f'"{piece}"')
            made.append(draw.choice(spellings))
        elif piece in {"(", ")", ",", "*", "<>", ">=", "::", "="}:
            made.append(draw.choice(["", " "]) + piece + draw.choice(["", "\n"]))
        else:
            made.append(piece)
    return "".join(made) + draw.choice(["", ";", " ; -- end"])


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_spelling_changes_nothing(draw: random.Random) -> None:
    """Space, comments, case and needless quotes are the author's affair."""
    assert canonical(respelled(QUERY, draw)) == canonical(QUERY)


@pytest.mark.parametrize("name", CHANGES)
@settings(deadline=None, max_examples=10)
@given(draw=st.randoms(use_true_random=False))
def test_a_change_shows_under_any_spelling(name: str, draw: random.Random) -> None:
    """No spelling hides a change of meaning."""
    changed = QUERY.replace(*CHANGES[name], 1)

    assert canonical(respelled(changed, draw)) != canonical(QUERY)


def test_target_schema_database_and_path_do_not_count() -> None:
    """Whoever builds elsewhere replays what was drawn."""
    here, there = "'data/full/w2.parquet'", "read_parquet('s3://x/w2.parquet', union_by_name = 1)"
    other = '"prod"."Analytics"."psn_visits"'
    sql = "select a.x from {} as a join {} as b using (x) where f = 'data/full/w2.parquet'"
    one = canonical(sql.format(PSN, here), {PSN: "model.a", here: "source.b"})
    two = canonical(
        sql.format(other.lower(), there.replace(" = ", "=")), {other: "model.a", there: "source.b"}
    )

    assert one == two
    assert "{model.a} as a join {source.b}" in one
    assert "= 'data/full/w2.parquet'" in one


def test_two_relations_are_never_one() -> None:
    """The same SQL over another model is another query; a longer name is another relation."""
    sql = f"select x from {PSN}"

    assert canonical(sql) != canonical(sql, {PSN: "model.shop.psn_other"})
    assert "{" not in canonical(f'select x from "other".{PSN}')
    assert canonical(f"select {PSN}.x from {PSN}") == (
        "select {model.shop.psn_visits} . x from {model.shop.psn_visits}"
    )


PAIRS = {
    "minus_minus": ("select 5 - -1", "select 5 --1"),
    "unit_or_alias": ("select interval '1' year", "select interval '1' \"year\""),
    "adjacent_texts": ("select 'a''b'", "select 'a'\n'b'"),
    "escaped": ("select e'a\\nb'", "select 'a\\nb'"),
    "dollar": ("select $$a$$", "select $t$a$t$"),
    "semi_or_alias": ("from a semi join b using (x)", 'from a "semi" join b using (x)'),
    "all_or_name": ("select x from a group by all", 'select x from a group by "all"'),
    "names_beyond_ascii": ("select ä from a", "select Ä from a"),
    "like_or_two": ("select a ~~ b", "select a ~ ~b"),
    "spaced_name": ('select "a b"', "select a b"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_lookalikes_are_told_apart(name: str) -> None:
    """DuckDB reads them as two queries."""
    one, two = PAIRS[name]

    assert canonical(one) != canonical(two)


SAME = {
    "signs": ("select a=-1, b<+2 from t", "select a = - 1, b < + 2 from t"),
    "cast": ("select a :: int from t", "select a::int from t"),
    "slice": ("select a [1:2] from t", "select a[1 : 2] from t"),
    "prefix": ("select E'a' from t", "select e'a' from t"),
    "number": ("select .5,1e5 from t", "select .5 , 1e5 from t"),
    "quoted": ('select "Region" from "T"', "select region from t"),
    "star": ("select*from t", "select * from t"),
}


@pytest.mark.parametrize("name", SAME)
def test_spellings_of_one_query_are_one(name: str) -> None:
    """What a formatter or another hand may do."""
    one, two = SAME[name]

    assert canonical(one) == canonical(two)


def _meaning(conn: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """DuckDB's own tree of a query, names in one case and no places; None for an error."""
    found = conn.execute("select json_serialize_sql(?)", [sql]).fetchone()
    assert found is not None
    tree = json.loads(found[0])

    def plain(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: plain(v, k) for k, v in value.items() if k != "query_location"}
        if isinstance(value, list):
            return [plain(one, key) for one in value]
        # The value of a literal stands under `value`; everything else is a name or a word.
        return value.lower() if isinstance(value, str) and key != "value" else value

    return None if tree["error"] else plain(tree["statements"])


POOL = [sql for pair in (*PAIRS.values(), *SAME.values()) for sql in pair]
POOL += [
    QUERY,
    "select a, sum(b) filter (where c in ('x', 'X')) over (order by d) from t as u, w limit 5",
    "select * exclude (a) replace (b + 1 as b) from t where c between 1 and 2 order by all desc",
    "select x[1:2], {'A': 1, b: 2}, [e for e in y if e > 0], a->'k', a->>'k' from t sample 3",
    "select case when a then 'b' else e'\\n' end as year, date '2026-01-01' - interval 1 day",
    "from t asof join u on t.a >= u.a anti join v using (a) union all by name select 1. as b",
]


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """A query, and the same after a few edits that may or may not change what it means."""
    sql = draw(st.sampled_from(POOL))
    after = sql
    for _ in range(draw(st.integers(1, 3))):
        pieces = PIECE.findall(after)
        at = draw(st.integers(0, len(pieces) - 1))
        piece = pieces[at]
        pieces[at] = draw(
            st.sampled_from(
                [
                    *(f"{piece} ", f" {piece}", piece.strip(), piece.swapcase(), f'"{piece}"', ""),
                    *(f"{piece}--\n", f"/*{piece}*/", piece.strip('"'), f"{piece}'a'"),
                ]
            )
        )
        after = "".join(pieces)
    return sql, after


@settings(deadline=None, max_examples=200)
@given(edited())
def test_two_meanings_never_share_a_text(pair: tuple[str, str]) -> None:
    """DuckDB's parser is the judge: what it reads differently has two texts."""
    try:
        one, two = (canonical(sql) for sql in pair)
    except VeilError:
        return
    if one == two:
        with duckdb.connect() as conn:
            meanings = [_meaning(conn, sql) for sql in pair]

        # What does not parse is never drawn, and so never confused with what does.
        assert None in meanings or meanings[0] == meanings[1]


def test_the_judge_tells_meanings_apart() -> None:
    """The twin: a canonical form that dropped quotes or literals' case would be caught."""
    with duckdb.connect() as conn:
        for one, two in (PAIRS["unit_or_alias"], ("select 'a'", "select 'A'")):
            assert None not in (_meaning(conn, one), _meaning(conn, two))
            assert _meaning(conn, one) != _meaning(conn, two)


def test_keywords_are_those_of_the_database() -> None:
    """A new DuckDB with a new keyword fails here."""
    found = duckdb.sql("select keyword_name from duckdb_keywords()").fetchall()

    assert {name for (name,) in found} == KEYWORDS


@pytest.mark.parametrize(
    "sql", ["", " -- only\n", "select 'a", 'select "a', "select /* a", "select 1; select 2", "\0"]
)
def test_what_is_no_query_is_refused_and_not_quoted(sql: str) -> None:
    """Nothing half read becomes the name of a release."""
    with pytest.raises(VeilError) as refused:
        canonical(sql)

    assert "select" not in str(refused.value)
