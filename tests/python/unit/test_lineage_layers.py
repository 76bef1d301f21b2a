"""What each layer asks of a model: classes in the raw one, masks in the pseudonymized one."""

from __future__ import annotations

import pickle
from datetime import date

import pytest

from veil.lineage import (
    Column,
    Layer,
    Mask,
    Model,
    PrivacyClass,
    Relation,
    Rule,
    Waiver,
    Zone,
    analyse,
)

DIRECT, QUASI = PrivacyClass.DIRECT_IDENTIFIER, PrivacyClass.QUASI_IDENTIFIER
SENSITIVE, NONE = PrivacyClass.SENSITIVE, PrivacyClass.NON_SENSITIVE
SEED = '"identified"."main"."seed_people"'
RAW = '"identified"."main"."raw_people"'
PSN = '"pseudonymized"."main"."psn_people"'
TODAY = date(2026, 11, 21)

seed = Relation.of(
    SEED,
    Zone.IDENTIFIED,
    [
        Column("ssn", "varchar", DIRECT),
        Column("name", "varchar", DIRECT),
        Column("born", "varchar", QUASI),
        Column("wages", "varchar", SENSITIVE),
        Column("employer", "varchar", QUASI),
        Column("year", "varchar", NONE),
    ],
)
RAW_SQL = f"""
    with source as (select * from {SEED})
    select ssn, upper(name) as name, try_cast(born as date) as born,
        cast(wages as bigint) as wages, employer, cast(year as integer) as year
    from source
"""
RAW_MODEL = Model(
    "raw_people",
    Layer.RAW,
    declared={
        "ssn": DIRECT, "name": DIRECT, "born": QUASI, "wages": SENSITIVE, "employer": QUASI,
        "year": NONE,
    },
)  # fmt: skip
PSN_SQL = f"""
    select veil_pseudonym(cast(source."ssn" as varchar), 'person', 'ssn') as "person_key",
        veil_pseudonym(cast(source."employer" as varchar), 'employer', 'employer')
            as "employer_key",
        case when source."name" is not null then '[redacted]' end as "name",
        case when source."wages" > 250000 then 250000 else source."wages" end as "wages",
        case when source."wages" < 1000 then '<1000' else '1000+' end as "wage_band",
        case when source."born" between cast('1900-01-01' as date) and cast('2100-01-01' as date)
            then cast(source."born" + veil_shift_days(
                cast(source."ssn" as varchar), 'person', 'ssn', 180) as date) end as "born",
        source."year" as "year"
    from {RAW} as source
"""
PSN_MODEL = Model(
    "psn_people",
    Layer.PSEUDONYMIZED,
    trusted=True,
    masks={
        "person_key": Mask("pseudonym", "person"),
        "employer_key": Mask("pseudonym", "employer"),
        "name": Mask("redact"),
        "wages": Mask("top_code"),
        "wage_band": Mask("bucket"),
        "born": Mask("shift_date", "person"),
        "year": Mask("keep"),
    },
)


def raw() -> Relation:
    return analyse(RAW_SQL, [seed], RAW_MODEL).relation(RAW)


def psn() -> Relation:
    return analyse(PSN_SQL, [seed, raw()], PSN_MODEL).relation(PSN)


def mart(select: str, **more: object) -> list[Rule]:
    model = Model("mart", Layer.MART, unit="person_key", threshold=11, **more)  # type: ignore[arg-type]
    return [one.rule for one in analyse(select, [seed, raw(), psn()], model, today=TODAY).refusals]


def test_raw_model_with_its_classes_passes():
    """Casts, CTEs and functions keep the classes that the YAML declares."""
    assert not analyse(RAW_SQL, [seed], RAW_MODEL).refusals


@pytest.mark.parametrize(
    ("column", "lower"), [("name", QUASI), ("wages", QUASI), ("born", NONE), ("ssn", SENSITIVE)]
)
def test_raw_model_that_lowers_a_class_is_refused(column, lower):
    """A class is lowered by a mask, and not by the YAML."""
    model = Model("raw_people", Layer.RAW, declared={**RAW_MODEL.declared, column: lower})
    found = analyse(RAW_SQL, [seed], model).refusals

    assert [(one.rule, one.column) for one in found] == [(Rule.CLASS_LOWERED, column)]


def test_raw_model_may_declare_a_higher_class():
    """And then the higher class flows on."""
    model = Model("raw_people", Layer.RAW, declared={**RAW_MODEL.declared, "year": DIRECT})
    analysis = analyse(RAW_SQL, [seed], model)
    above = analyse(f"select year from {RAW}", [analysis.relation(RAW)], Model("m", Layer.MART))

    assert not analysis.refusals
    assert Rule.DIRECT_IDENTIFIER in {one.rule for one in above.refusals}


def test_path_goes_through_every_model():
    """A refusal tells the whole way from the seed, as an engineer wants it at 5 pm."""
    sql = f"select lower(name) as code from {RAW}"
    found = analyse(sql, [seed, raw()], Model("mart", Layer.MART)).refusals
    path = "seed_people.name -> upper() -> raw_people.name -> lower() -> code"

    assert path in {one.path for one in found}
    assert any(
        f"direct identifier `seed_people.name` reaches it by `{path}`" in str(o) for o in found
    )


def test_masks_leave_what_the_catalogue_says():
    """Each mask of a trusted model lowers its class, or does not."""
    analysis = analyse(PSN_SQL, [seed, raw()], PSN_MODEL)
    found = {one.name: {c.word for c in one.classes} for one in analysis.columns}

    assert not analysis.refusals
    assert found["person_key"] == found["employer_key"] == {"pseudonym"}
    assert found["wage_band"] == {"quasi_identifier"}
    assert "sensitive" in found["wages"]
    assert "direct_identifier" not in found["born"]
    assert found["name"] == {"quasi_identifier"}


def test_masks_of_a_model_that_is_not_one_call_are_not_believed():
    """The YAML of a hand-written model says nothing about its SQL."""
    sql = f"select upper(source.name) as name from {RAW} as source"
    model = Model("psn", Layer.PSEUDONYMIZED, masks={"name": Mask("redact")})
    found = analyse(sql, [raw()], model).refusals

    assert [(one.rule, one.column) for one in found] == [(Rule.DIRECT_IDENTIFIER, "name")]


def test_column_of_two_sources_can_be_masked():
    """A full name is one column of the raw model, whatever it was made of."""
    raw_sql = f"select name || born as full_name from {SEED}"
    made = analyse(raw_sql, [seed], Model("raw", Layer.RAW, declared={"full_name": DIRECT}))
    sql = f"select veil_pseudonym(cast(s.full_name as varchar), 'p', 'name') as k from {RAW} as s"
    model = Model("psn", Layer.PSEUDONYMIZED, trusted=True, masks={"k": Mask("pseudonym", "p")})

    assert not analyse(sql, [made.relation(RAW)], model).refusals


def test_keep_of_a_direct_identifier_is_refused_even_when_trusted():
    """A mask that hides nothing lowers nothing."""
    sql = f'select source."name" as "name" from {RAW} as source'
    model = Model("psn", Layer.PSEUDONYMIZED, trusted=True, masks={"name": Mask("keep")})

    assert [one.rule for one in analyse(sql, [raw()], model).refusals] == [Rule.DIRECT_IDENTIFIER]


def test_mart_over_the_whole_chain_passes_behind_a_guard():
    """Seed, raw, pseudonymized, mart: what reaches the last one is guarded."""
    assert not mart(
        f"select wage_band, case when count(distinct person_key) >= 11 then avg(wages) end as mean"
        f" from {PSN} group by wage_band"
    )


def test_pseudonym_of_an_employer_is_no_unit():
    """Eleven employers are not eleven people."""
    assert Rule.GUARD_UNIT in mart(
        f"select year, case when count(distinct employer_key) >= 11 then avg(wages) end as mean"
        f" from {PSN} group by year"
    )


def test_unit_is_the_column_that_the_model_names():
    """Another pseudonym of the same domain may be of somebody else: a sender, a receiver."""
    transfers = Relation.of(
        '"pseudonymized"."main"."psn_transfers"',
        Zone.PSEUDONYMIZED,
        [
            Column("sender_key", "varchar", PrivacyClass.PSEUDONYM, domain="person"),
            Column("receiver_key", "varchar", PrivacyClass.PSEUDONYM, domain="person"),
            Column("amount", "double", SENSITIVE),
        ],
    )
    sql = (
        "select case when count(distinct receiver_key) >= 11 then sum(amount) end as total"
        ' from "pseudonymized"."main"."psn_transfers"'
    )
    found = analyse(sql, [transfers], Model("m", Layer.MART, unit="sender_key")).refusals

    assert [one.rule for one in found] == [Rule.GUARD_UNIT]


def test_qualified_unit_is_found():
    """`privacy_unit: earnings.person_key` names the column behind the dot."""
    guarded = "case when count(distinct e.person_key) >= 11 then avg(wages) end"
    sql = f"select {guarded} as m from {PSN} as e"
    model = Model("m", Layer.MART, unit="e.person_key")

    assert not analyse(sql, [psn()], model).refusals


def test_waiver_sets_one_rule_of_one_column_aside():
    """With owner, reason and a day in the future."""
    sql = f"select year, count(*) as n from {PSN} group by year"
    waiver = Waiver(Rule.UNGUARDED_AGGREGATE, "n", "office", "public counts", date(2027, 1, 1))

    assert mart(sql) == [Rule.UNGUARDED_AGGREGATE]
    assert not mart(sql, waivers=(waiver,))
    assert mart(sql.replace("as n", "as m"), waivers=(waiver,)) == [Rule.UNGUARDED_AGGREGATE]


def test_expired_waiver_is_refused_and_sets_nothing_aside():
    """A waiver ends."""
    sql = f"select year, count(*) as n from {PSN} group by year"
    waiver = Waiver(Rule.UNGUARDED_AGGREGATE, "n", "office", "public counts", date(2026, 11, 20))

    assert mart(sql, waivers=(waiver,)) == [Rule.WAIVER, Rule.UNGUARDED_AGGREGATE]


@pytest.mark.parametrize("rule", [Rule.DIRECT_IDENTIFIER, Rule.MASK_FUNCTION, Rule.STATEMENT])
def test_some_rules_cannot_be_waived(rule):
    """No reason is good enough."""
    waiver = Waiver(rule, "", "office", "please", date(2027, 1, 1))

    assert Rule.WAIVER in mart("select 1 as one", waivers=(waiver,))


def test_mart_of_nobody_passes():
    """What depends on no person needs no guard."""
    assert not mart("select i as year, 'x' as label from range(2020, 2030) as r(i)")


def test_lineage_names_explicit_and_implicit_sources():
    """What a value is computed from, and what only chose its rows."""
    sql = f"select employer as e from {RAW} where born > date '2000-01-01'"
    column = analyse(sql, [raw()], Model("m", Layer.RAW, declared={"e": QUASI})).columns[0]

    assert set(column.explicit) == {"seed_people.employer"}
    assert set(column.implicit) == {"seed_people.born"}
    assert column.reach == "personal"


def test_deep_nesting_is_refused_and_does_not_crash(caplog):
    """A query beyond what can be walked is beyond what can be judged."""
    deep = "upper(" * 3000 + "'x'" + ")" * 3000

    assert mart(f"select {deep} as x") == [Rule.UNPARSEABLE]
    assert not caplog.records


def test_surprise_in_the_walk_is_a_refusal(monkeypatch):
    """A tree of a shape that nobody has thought of is refused, without a traceback."""

    def surprise(*arguments: object) -> None:
        raise AttributeError("123-45-6789")

    monkeypatch.setattr("veil.lineage.queries.Queries.rows", surprise)

    assert mart("select 1 as one") == [Rule.UNFOLLOWABLE]


def test_unknown_statement_is_not_logged(caplog, capfd):
    """sqlglot would log the text of a statement that it does not know."""
    assert mart("call secret_procedure('123-45-6789')") == [Rule.STATEMENT]
    assert not caplog.records
    assert "123-45" not in "".join(capfd.readouterr())


def test_name_that_holds_a_value_is_not_shown():
    """An alias may be data: only a plain word is printed."""
    sql = f"select person_key as \"'123-45-6789'\" from {PSN}"
    found = analyse(sql, [psn()], Model("m", Layer.MART)).refusals

    assert found
    assert not any("6789" in one.message for one in found)


def test_relation_survives_a_cache():
    """A check after a one-model change takes the other models' labels from a file."""
    kept = pickle.loads(pickle.dumps(psn()))
    sql = f"select person_key as code from {PSN}"
    model = Model("m", Layer.MART)

    assert analyse(sql, [kept], model).refusals == analyse(sql, [psn()], model).refusals
