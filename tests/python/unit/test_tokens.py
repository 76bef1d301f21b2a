"""Random tokens: drawn once, found again, derived from nothing, never given twice."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from bypass_support import check, rules
from keys_support import Vault, new_ring, only

from veil.errors import VeilError
from veil.keys import Keyring, Status
from veil.lineage import (
    Column,
    Layer,
    Mask,
    Model,
    PrivacyClass,
    Relation,
    Rule,
    Zone,
    analyse,
)
from veil.policy.graph import Graph
from veil.warehouse import token_table
from veil.warehouse import tokens as module
from veil.warehouse.functions import register_functions
from veil.warehouse.token_table import SPENT, TABLE, create_token_tables, random_tokens
from veil.warehouse.tokens import Tokens

PEOPLE = ["ada", "bob", "eve", "ada"]
SECRET = "secret-1234"
RAW = '"identified"."main"."raw_people"'


def column(values: Sequence[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())], type=pa.string())


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return new_ring(tmp_path, ("token", "*"))[0]


@pytest.fixture
def conn() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse() as conn:
        yield conn


def warehouse() -> duckdb.DuckDBPyConnection:
    """An identified zone in memory, with the doors closed that a session closes."""
    conn = duckdb.connect()
    conn.execute("attach ':memory:' as identified")
    create_token_tables(conn)
    conn.execute("set enable_external_access = false; set lock_configuration = true")
    return conn


def given(
    tokens: Tokens, values: Sequence[str | None], *, domain: str = "person", kind: str = "person_id"
) -> list[str | None]:
    """Draw for the values and look them up, as a build does."""
    tokens.draw(column(values), domain=domain, privacy_type=kind)
    found = tokens.look_up(column(values), domain=domain, privacy_type=kind)
    assert found.type == pa.string()
    return list(found.to_pylist())


def rows(conn: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return list(conn.execute(sql).fetchall())


def rotated(ring: Keyring, to: Status = Status.ACTIVE) -> str:
    """Put a new primary key in the place of the old one; the old one's kid."""
    old = ring.primary("token", "*")
    new = ring.add("token", "*")
    for status in {
        Status.ACTIVE: [Status.ACTIVE],
        Status.DISABLED: [Status.DISABLED],
        Status.DESTROYED: [Status.DISABLED, Status.DESTROYED],
    }[to]:
        ring.set_status(old.kid, status)
    ring.set_status(new.kid, Status.PRIMARY)
    return old.kid


# -- it works


def test_a_token_is_160_random_bits(
    conn: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`t1_` and 32 characters, each of five bits of a byte that the operating system gave."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    monkeypatch.setattr("os.urandom", lambda count: bytes(range(count)))

    assert random_tokens(2).to_pylist() == ["t1_" + alphabet, "t1_" + alphabet]


def test_no_two_tokens_are_the_same() -> None:
    """Of 100,000 draws; two would meet with a probability below 2**-126."""
    made = random_tokens(100_000).to_pylist()

    assert len(set(made)) == 100_000
    assert all(re.fullmatch(r"t1_[a-z2-7]{32}", one) for one in made)


def test_a_value_keeps_its_token(conn: duckdb.DuckDBPyConnection, ring: Keyring) -> None:
    """In every build, in the session that drew it and in any later one; equal values, one token."""
    first = given(Tokens(conn, ring), PEOPLE)

    assert given(Tokens(conn, ring), PEOPLE[::-1]) == first[::-1]
    assert (first[0] == first[3], len(set(first))) == (True, 3)


def test_one_normalised_value_has_one_token(conn: duckdb.DuckDBPyConnection, ring: Keyring) -> None:
    """Two spellings of an address are one person, as they are for a pseudonym."""
    found = given(Tokens(conn, ring), ["Ada@X.org ", "ada@x.org", "eve@x.org"], kind="email")

    assert (found[0] == found[1], found[1] == found[2]) == (True, False)


def test_null_stays_null_and_the_empty_text_is_a_value(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """A token is drawn for the empty text, and none for NULL."""
    found = given(Tokens(conn, ring), [None, "", None, "ada"])

    assert [one is None for one in found] == [True, False, True, False]
    assert given(Tokens(conn, ring), [None, None]) == [None, None]
    assert given(Tokens(conn, ring), []) == []
    assert rows(conn, f"select count(*) from {TABLE}") == [(2,)]


def test_domains_and_types_share_no_token(conn: duckdb.DuckDBPyConnection, ring: Keyring) -> None:
    """The same text in another domain, or as another kind of thing, has another token."""
    tokens = Tokens(conn, ring)
    found = [
        given(tokens, PEOPLE[:3]),
        given(tokens, PEOPLE[:3], domain="elsewhere"),
        given(tokens, PEOPLE[:3], kind="account"),
    ]

    assert len({one for each in found for one in each}) == 9


def test_a_part_of_an_array_is_looked_up(conn: duckdb.DuckDBPyConnection, ring: Keyring) -> None:
    """DuckDB hands over slices; each of the three layouts of text is taken."""
    tokens = Tokens(conn, ring)
    found = given(tokens, PEOPLE)
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        part = pa.array(["nobody", *PEOPLE, None], kind).slice(2)

        assert tokens.look_up(part, domain="person", privacy_type="person_id").to_pylist() == [
            *found[1:],
            None,
        ]


def test_nothing_is_drawn_for_whom_there_is_a_token(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """The second build draws for the newcomer alone."""
    tokens = Tokens(conn, ring)
    drawn = [
        tokens.draw(column(values), domain="person", privacy_type="person_id")
        for values in (PEOPLE, PEOPLE, [*PEOPLE, "zoe"])
    ]

    assert drawn == [3, 0, 1]


def test_models_that_draw_at_once_give_a_person_one_token(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """Eight threads over overlapping people, half of them with a table object of their own."""
    shared = Tokens(conn, ring)
    start = threading.Barrier(8)
    found: dict[int, list[str | None]] = {}

    def build(number: int) -> None:
        mine = shared if number % 2 else Tokens(conn, ring)
        start.wait()
        found[number] = given(mine, [f"p{one}" for one in range(number * 10, number * 10 + 500)])

    threads = [threading.Thread(target=build, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_person: dict[str, set[str | None]] = {}
    for number, tokens in found.items():
        for at, token in enumerate(tokens):
            by_person.setdefault(f"p{number * 10 + at}", set()).add(token)

    assert len(by_person) == 570
    assert {len(each) for each in by_person.values()} == {1}
    assert rows(conn, f"select count(*), count(distinct token) from {TABLE}") == [(570, 570)]


def test_rotation_changes_no_token(conn: duckdb.DuckDBPyConnection, ring: Keyring) -> None:
    """Under a new primary the lookups are made anew, also of who returns in the window."""
    before = given(Tokens(conn, ring), PEOPLE)
    old = rotated(ring)
    present = given(Tokens(conn, ring), ["ada", "bob", "new"])
    returned = given(Tokens(conn, ring), ["eve"])

    assert [*present[:2], *returned] == before[:3]
    assert rows(conn, f"select count(*) from {TABLE} where kid = '{old}'") == [(0,)]


def test_a_crash_after_drawing_costs_nothing(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """What was drawn stands, though the model's own transaction is rolled back."""
    tokens = Tokens(conn, ring)
    conn.execute("begin transaction; create table identified.main.psn (k varchar)")
    found = given(tokens, PEOPLE)
    conn.execute("rollback")

    assert given(Tokens(conn, ring), PEOPLE) == found


def test_a_crash_while_drawing_leaves_nothing(
    conn: duckdb.DuckDBPyConnection, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either all of a drawing is committed or none of it."""

    def crash(cursor: duckdb.DuckDBPyConnection, missing: pa.Table, **_: object) -> None:
        cursor.execute(f"insert into {TABLE} select 'person', 'k', lookup, 't' from veil_wanted")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "draw_unseen", crash)
        given(Tokens(conn, ring), PEOPLE)

    assert rows(conn, f"select count(*) from {TABLE}") == [(0,)]
    assert len(set(given(Tokens(conn, ring), PEOPLE))) == 3


def graph(*, code: str = "{{ veil.pseudonymize(ref('shop', 'raw_people')) }}") -> Graph:
    """A raw model, a seed beside it, and a pseudonymized model with one random token."""
    own = {"resource_type": "model", "package_name": "shop", "database": "identified"}
    treated = {
        "privacy_mask": "random_token",
        "privacy_from": "ssn",
        "privacy_domain": "person",
    }
    classed = {"privacy_class": "direct_identifier", "privacy_type": "ssn"}
    raw = {
        **own,
        "unique_id": "model.shop.raw_people",
        "name": "raw_people",
        "relation_name": RAW,
        "columns": {"ssn": {"name": "ssn", "config": {"meta": classed}}},
    }
    seed = {**raw, "unique_id": "seed.shop.races", "name": "races", "resource_type": "seed"}
    psn = {
        **own,
        "unique_id": "model.shop.psn",
        "name": "psn",
        "raw_code": code,
        "depends_on": {"nodes": [seed["unique_id"], raw["unique_id"]]},
        "columns": {"code": {"name": "code", "config": {"meta": treated}}},
    }
    return Graph({"nodes": {str(one["unique_id"]): one for one in (raw, seed, psn)}})


def test_a_model_draws_for_the_raw_model_that_it_names(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """As the mask's SQL reads the column: cast to text, under the type of the source."""
    conn.execute(f"create table {RAW} as select unnest([781, 782, 781, null]) as ssn")
    tokens = Tokens(conn, ring)
    tokens.prepare(graph(), graph().node("model.shop.raw_people"))
    before = rows(conn, f"select count(*) from {TABLE}")
    tokens.prepare(graph(), graph().node("model.shop.psn"))

    assert before == [(0,)]
    assert tokens.draw(column(["781", "782"]), domain="person", privacy_type="ssn") == 0
    assert rows(conn, f"select count(*) from {TABLE}") == [(2,)]


# -- it is refused


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("select 1 as code", "does not name one raw model"),
        ("{{ veil.pseudonymize(ref('other', 'raw_people')) }}", "does not name one raw model"),
        ("{{ veil.pseudonymize(ref('raw_people')) }}", "`raw_people` cannot be read"),
    ],
)
def test_a_model_without_a_raw_table_draws_nothing(
    conn: duckdb.DuckDBPyConnection, ring: Keyring, code: str, says: str
) -> None:
    """Hand-written SQL, another package's model, a raw model that is not built yet."""
    with pytest.raises(VeilError, match=says):
        Tokens(conn, ring).prepare(graph(code=code), graph(code=code).node("model.shop.psn"))

    assert rows(conn, f"select count(*) from {TABLE}") == [(0,)]


def test_a_value_without_a_token_is_refused(conn: duckdb.DuckDBPyConnection, ring: Keyring) -> None:
    """In Python and through the function that SQL calls; neither says which value."""
    register_functions(conn, ring)
    given(Tokens(conn, ring), PEOPLE)
    with pytest.raises(VeilError, match="has no token in the domain `person`") as refused:
        Tokens(conn, ring).look_up(
            column(["ada", SECRET]), domain="person", privacy_type="person_id"
        )
    with pytest.raises(duckdb.Error, match="has no token in the domain `person`") as failed:
        conn.execute(f"select veil_random_token('{SECRET}', 'person', 'person_id')").fetchall()

    assert SECRET not in f"{refused.value!r} {failed.value} {refused.value.__context__}"


def test_no_key_no_token(conn: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A keyring without a key of that purpose stops the build."""
    ring = new_ring(tmp_path, ("pseudonym", "*"))[0]
    with pytest.raises(VeilError, match="no primary key for purpose `token`"):
        given(Tokens(conn, ring), PEOPLE)

    assert rows(conn, f"select count(*) from {TABLE}") == [(0,)]


def test_a_disabled_key_makes_no_second_person(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """Whose its tokens are cannot be told, so nobody gets another one until somebody decides."""
    before = given(Tokens(conn, ring), PEOPLE)
    old = rotated(ring, Status.DISABLED)
    for attempt in ("draw", "forget"):
        with pytest.raises(VeilError, match="which is disabled") as refused:
            call = getattr(Tokens(conn, ring), attempt)
            call(column([SECRET]), domain="person", privacy_type="person_id")
        assert f"veil keys destroy {old}" in str(refused.value)
        assert SECRET not in str(refused.value)
    ring.set_status(old, Status.DESTROYED)

    assert not set(before) & set(given(Tokens(conn, ring), PEOPLE))
    assert rows(conn, f"select count(*) from {SPENT}") == [(3,)]


def test_a_table_that_cannot_be_written_is_refused(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """With DuckDB's words about the table, and without the value."""
    conn.execute(f"drop table {SPENT}")
    with pytest.raises(VeilError, match="the table of tokens cannot be used") as refused:
        given(Tokens(conn, ring), [SECRET])

    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None
    assert rows(conn, f"select count(*) from {TABLE}") == [(0,)]


def test_randomness_that_repeats_itself_is_refused(
    conn: duckdb.DuckDBPyConnection, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose random numbers repeat gives two people one token; it gives none."""
    monkeypatch.setattr("os.urandom", lambda count: bytes(count))
    with pytest.raises(VeilError, match="repeat themselves"):
        given(Tokens(conn, ring), PEOPLE)

    assert rows(conn, f"select count(*) from {TABLE}") == [(0,)]


# -- an attacker learns nothing


def unrelated(ring: Keyring) -> bool:
    """Whether two warehouses under one keyring give the same people tokens that share nothing."""
    with warehouse() as one, warehouse() as other:
        found = [set(given(Tokens(conn, ring), PEOPLE)) for conn in (one, other)]
    return not found[0] & found[1]


def test_tokens_of_two_projects_are_unrelated(ring: Keyring) -> None:
    """The same people, the same keys, another warehouse, or one built from nothing: others."""
    assert unrelated(ring)


def test_a_derived_token_would_be_found(ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: a token made of the lookup is the same wherever the key is."""

    def derived(
        cursor: duckdb.DuckDBPyConnection, missing: pa.Table, *, domain: str, kid: str
    ) -> None:
        cursor.register("veil_drawn", missing)
        cursor.execute(
            f"insert into {TABLE} select ?, ?, lookup, 't1_' || lookup from veil_drawn",
            [domain, kid],
        )

    monkeypatch.setattr(module, "draw_unseen", derived)

    assert not unrelated(ring)


def confirmed(table: str, engine_of: Keyring, guess: str) -> bool:
    """Whether a holder of the table, and of some keyring, finds a guess in it."""
    tokens = Tokens(duckdb.connect(), engine_of)
    mac = module._lookups(tokens._engine("person"), column([guess]), "person_id")[0].as_py()
    plain = [guess, guess.encode().hex()]
    for name in ("md5", "sha1", "sha256", "blake2b"):
        plain.append(hashlib.new(name, guess.encode()).hexdigest())
    return any(each in table for each in (mac, *plain))


def test_the_table_without_the_key_confirms_no_guess(
    conn: duckdb.DuckDBPyConnection, ring: Keyring, tmp_path: Path
) -> None:
    """No text, digest or MAC under another key is found; with the project's key it would be."""
    given(Tokens(conn, ring), [SECRET, "078-05-1120"])
    folder = tmp_path / "attacker"
    folder.mkdir()
    other = new_ring(folder, ("token", "*"))[0]
    table = str(rows(conn, f"from {TABLE}"))

    assert not confirmed(table, other, SECRET)
    assert confirmed(table, ring, SECRET)


def test_a_deleted_token_never_comes_back(
    conn: duckdb.DuckDBPyConnection, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not to the person who returns, and not to anybody, even where chance draws it again."""
    tokens = Tokens(conn, ring)
    ada, bob = given(tokens, ["ada", "bob"])
    gone = tokens.forget(column(["ada", "never", None]), domain="person", privacy_type="person_id")
    with pytest.raises(VeilError, match="has no token"):
        tokens.look_up(column(["ada"]), domain="person", privacy_type="person_id")
    draws = iter([pa.array([ada]), pa.array([bob]), random_tokens(1)])
    monkeypatch.setattr(token_table, "random_tokens", lambda count: next(draws))
    again, _ = given(tokens, ["ada", "bob"])

    assert gone == 1
    assert again not in (ada, bob)
    assert next(draws, None) is None
    assert str(ada) not in str(rows(conn, f"from {TABLE}") + rows(conn, f"from {SPENT}"))


def test_an_erasure_in_the_window_finds_both_keys(
    conn: duckdb.DuckDBPyConnection, ring: Keyring
) -> None:
    """Who was not seen since the rotation is known by the old key, and is deleted by it."""
    given(Tokens(conn, ring), PEOPLE)
    rotated(ring)
    given(Tokens(conn, ring), ["bob"])
    found = Tokens(conn, ring).forget(
        column(["ada", "bob"]), domain="person", privacy_type="person_id"
    )

    assert found == 2
    assert rows(conn, f"select count(*) from {TABLE}") == [(1,)]


def test_no_key_and_no_value_is_shown(conn: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Neither an object's `repr` nor what it holds in memory names a person or the key."""
    ring, vault, _ = new_ring(tmp_path, ("token", "*"))
    assert isinstance(vault, Vault)
    tokens = Tokens(conn, ring)
    given(tokens, [SECRET])
    material = ring.material(only(ring, "token"))
    shown = f"{tokens!r} {tokens._engines!r} {tokens._held!r}"

    assert SECRET not in shown
    assert material.hex() not in shown


# -- the gates know it

people = Relation.of(
    RAW, Zone.IDENTIFIED, [Column("ssn", "varchar", PrivacyClass.DIRECT_IDENTIFIER)]
)
CALL = "select veil_random_token({}, 'person', 'ssn') as k from " + RAW + " as s"
PSN = Model("psn", Layer.PSEUDONYMIZED, trusted=True, masks={"k": Mask("random_token", "person")})


def refused(sql: str, model: Model) -> list[Rule]:
    return [one.rule for one in analyse(sql, [people], model).refusals]


def test_the_mask_makes_a_linking_code_of_an_identifier() -> None:
    """In a pseudonymized model, on a stored column: the class of a pseudonym, of its domain."""
    sql = CALL.format("cast(s.ssn as varchar)")
    made = analyse(sql, [people], PSN).relation('"pseudonymized"."main"."psn"')

    assert not refused(sql, PSN)
    (name, _, label) = made.columns[0]
    assert label.key is not None
    assert (name, label.classes, label.key.domain, label.key.person) == (
        "k",
        frozenset({PrivacyClass.PSEUDONYM}),
        "person",
        True,
    )


@pytest.mark.parametrize(
    ("argument", "layer"),
    [
        ("s.ssn", Layer.RAW),
        ("s.ssn", Layer.INTERMEDIATE),
        ("s.ssn", Layer.MART),
        ("'078-05-1120'", Layer.PSEUDONYMIZED),
        ("upper(s.ssn)", Layer.PSEUDONYMIZED),
        ("(select max(ssn) from " + RAW + ")", Layer.PSEUDONYMIZED),
    ],
)
def test_the_function_is_refused_elsewhere_and_on_a_guess(argument: str, layer: Layer) -> None:
    """A model that could ask for anybody's token would list who is in the data."""
    assert Rule.MASK_FUNCTION in refused(CALL.format(argument), Model("m", layer))


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("select token from identified.veil.tokens", "relation_by_string"),
        ('select token from "identified"."veil"."tokens"', "relation_by_string"),
        ("select digest from identified.veil.spent_tokens", "relation_by_string"),
        ("select * from query('from identified.veil.tokens')", "relation_by_string"),
        ("{{ run_query('from identified.veil.tokens') }}", "jinja_reads_data"),
    ],
)
def test_no_model_out_of_scope_reads_the_sealed_table(sql: str, rule: str) -> None:
    """Neither by its name in the SQL nor from Jinja; the lineage looks at the models in scope."""
    assert rules(check(sql, scoped=False)) == {rule}


@pytest.mark.parametrize("layer", list(Layer))
def test_the_lineage_knows_no_sealed_table(layer: Layer) -> None:
    """A relation that no ref made is refused in every layer, however it is written."""
    for name in ("identified.veil.tokens", '"identified"."veil"."tokens"', "veil.spent_tokens"):
        assert refused(f"select token from {name}", Model("m", layer))
