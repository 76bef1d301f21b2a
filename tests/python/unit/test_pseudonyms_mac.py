"""Pseudonyms against the standard library's hmac, and what an attacker may not learn."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.errors import VeilError
from veil.pseudonyms import Pseudonymiser, _hmac, mac
from veil.pseudonyms.normalise import normalise_one, normaliser, normaliser_for
from veil.pseudonyms.token import Token

VECTORS = Path(__file__).parents[2] / "vectors" / "pseudonyms.json"
KEY = hashlib.sha256(b"a key for tests").hexdigest()
KID = "kabcdefg"
TYPES = ("email", "ssn", "person_name", "passport")
SECRET = "secret-value-4711"


def mac_of(text: str, *, privacy_type: str, key: str = KEY) -> tuple[bytes, bytes]:
    """Build the MAC input field by field and its HMAC-SHA256 by the standard library."""
    name = normaliser_for(privacy_type)
    value = normalise_one(text, name)
    if name == "digits" and not value[:1].isdecimal():
        name = "text"
    head = b""
    for field in (b"p1", privacy_type.encode(), normaliser(name).tag.encode()):
        head += str(len(field)).encode() + b":" + field
    message = head + value.encode()
    return message, hmac.new(key.encode("ascii"), message, hashlib.sha256).digest()


def reference(text: str | None, *, privacy_type: str, key: str = KEY, kid: str = KID) -> str | None:
    """Make a pseudonym with nothing but the standard library."""
    if text is None:
        return None
    digest = mac_of(text, privacy_type=privacy_type, key=key)[1]
    return f"p1_{kid}_" + base64.b32encode(digest[:20]).decode("ascii").lower()


def tokens(texts: list[str | None], *, privacy_type: str, key: str = KEY) -> list[str | None]:
    """Make pseudonyms with the code under test."""
    values = pa.array(texts, type=pa.string())
    made: list[str | None] = Pseudonymiser(key, KID).tokens(values, privacy_type=privacy_type)
    return made.to_pylist()


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text())["cases"])
def test_the_pinned_vectors_hold(case: dict[str, str]) -> None:
    """A pseudonym made today is the one of the first release, on every machine."""
    engine = Pseudonymiser(case["key_hex"], case["kid"])
    values = pa.array([case["value"]])
    token = engine.tokens(values, privacy_type=case["privacy_type"])
    digest = engine.digest64(values, privacy_type=case["privacy_type"])

    assert token.to_pylist() == [case["pseudonym"]]
    assert digest.tolist() == [int(case["digest64"])]


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text())["cases"])
def test_the_vectors_are_the_standard_librarys(case: dict[str, str]) -> None:
    """The file holds what hmac and base64 of the standard library make of its inputs."""
    message, digest = mac_of(case["value"], privacy_type=case["privacy_type"], key=case["key_hex"])

    assert message.hex() == case["mac_input_hex"]
    assert case["pseudonym"] == reference(
        case["value"], privacy_type=case["privacy_type"], key=case["key_hex"], kid=case["kid"]
    )
    assert int(case["digest64"]) == int.from_bytes(digest[:8], "big")


@pytest.mark.parametrize(
    ("key", "data", "mac_hex"),
    [
        # RFC 4231, test case 2.
        (
            "Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        # RFC 4231, test case 1: a key of twenty bytes 0x0b.
        (
            "\x0b" * 20,
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
    ],
)
def test_the_hmac_is_that_of_the_rfc(key: str, data: bytes, mac_hex: str) -> None:
    """Known answers from RFC 4231, whose keys are text."""
    heads = _hmac.HexHmac(key).heads(pa.array([data]), chars=40)

    assert heads.tobytes().decode() == mac_hex[:40]


@pytest.mark.parametrize("privacy_type", TYPES)
@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.none() | st.text(), max_size=20))
def test_random_text_agrees_with_the_standard_library(
    privacy_type: str, texts: list[str | None]
) -> None:
    """All planes, NUL bytes, lone marks, NULL and the empty string."""
    expected = [reference(each, privacy_type=privacy_type) for each in texts]

    assert tokens(texts, privacy_type=privacy_type) == expected


@pytest.mark.parametrize("length", [0, 1, 34, 35, 36, 43, 44, 45, 100, 5000])
def test_every_number_of_hash_blocks_is_right(length: int) -> None:
    """Values on both sides of the block boundaries of SHA-256."""
    text = "x" * length

    assert tokens([text], privacy_type="email") == [reference(text, privacy_type="email")]


@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129, 2048, 8192, 8193, 20_001])
def test_every_number_of_rows_is_right(rows: int) -> None:
    """On both sides of the plugin's buffers and of the blocks."""
    texts = [f"person-{each}@example.org" for each in range(rows)]

    assert tokens(texts, privacy_type="email") == [
        reference(each, privacy_type="email") for each in texts
    ]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_slices_chunks_and_layouts_do_not_matter(kind: pa.DataType) -> None:
    """The same values give the same pseudonyms, however Arrow holds them."""
    texts = [None if each % 7 == 3 else f"a{each}" for each in range(60)]
    whole = pa.array(texts, type=kind)
    chunked = pa.chunked_array([whole.slice(5, 20), whole.slice(25, 0), whole.slice(25, 30)])
    engine = Pseudonymiser(KEY, KID)
    expected = [reference(each, privacy_type="email") for each in texts[5:55]]

    assert engine.tokens(chunked, privacy_type="email").to_pylist() == expected
    assert engine.tokens(whole.slice(5, 50), privacy_type="email").to_pylist() == expected


def test_null_stays_null_and_the_empty_string_is_a_value() -> None:
    """NULL has no pseudonym, under it lies no pseudonym of anything, and '' has its own."""
    values = pa.array([None, "", "a"])
    made = Pseudonymiser(KEY, KID).tokens(values, privacy_type="email")

    assert made.is_null().to_pylist() == [True, False, False]
    assert len({*made.to_pylist()}) == 3
    assert made.buffers()[2].to_pybytes()[:44] == bytes(44)


def test_a_missing_number_is_not_one_person() -> None:
    """`N/A`, `unknown` and the digits differ; spellings of one number do not."""
    missing, unknown, one, other = tokens(
        ["N/A", "unknown", "078-05-1120", "078 05 1120"], privacy_type="ssn"
    )

    assert len({missing, unknown, one}) == 3
    assert one == other


def test_digests_are_the_start_of_the_mac() -> None:
    """Eight bytes, big-endian, 0 for NULL."""
    values = pa.array(["a@b.c", None, " A@B.c"])
    made = Pseudonymiser(KEY, KID).digest64(values, privacy_type="email")
    expected = int.from_bytes(mac_of("a@b.c", privacy_type="email")[1][:8], "big")

    assert (made.dtype, made.tolist()) == (np.dtype(np.uint64), [expected, 0, expected])


def test_the_direct_call_equals_the_plugins_own_expression() -> None:
    """What the engine of polars computes with the plugin is what the direct call returns."""
    texts = [f"v{each}" for each in range(1000)]
    expression = plh.col("v").chash.hmac_sha256(key=KEY)
    theirs = pl.DataFrame({"v": texts}).select(expression).to_series().str.slice(0, 40)
    mine = _hmac.HexHmac(KEY).heads(pa.array(texts).cast(pa.binary()), chars=40)

    assert mine.tobytes().decode() == "".join(theirs.to_list())


def test_threads_do_not_disturb_each_other() -> None:
    """One engine serves all of DuckDB's threads."""
    engine = Pseudonymiser(KEY, KID)
    values = [pa.array([f"p{part}-{each}" for each in range(500)]) for part in range(16)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda each: engine.tokens(each, privacy_type="email"), values))

    assert [each.to_pylist() for each in made] == [
        [reference(text, privacy_type="email") for text in each.to_pylist()] for each in values
    ]


def test_every_part_of_the_input_separates() -> None:
    """Another key, another type or another normaliser never gives the same pseudonym."""
    made = {tokens(["12"], privacy_type=each)[0] for each in (*TYPES, "phone")}
    made |= {tokens(["12"], privacy_type="email", key="ab" * 32)[0]}

    assert len({each and Token.parse(each).payload for each in made}) == 6


@given(
    st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True),
    st.sampled_from(("exact", "text", "email", "digits")),
    st.binary(),
)
def test_the_mac_input_can_be_read_back(privacy_type: str, name: str, value: bytes) -> None:
    """A reader that knows only the lengths recovers every field, so no two inputs collide."""
    rest = mac.mac_head(privacy_type, name) + value
    fields = []
    for _ in range(3):
        length, _, rest = rest.partition(b":")
        fields.append(rest[: int(length)])
        rest = rest[int(length) :]

    assert fields == [b"p1", privacy_type.encode(), normaliser(name).tag.encode()]
    assert rest == value


@pytest.mark.parametrize("privacy_type", ["", "E", "1a", "a b", "a:b", "a\n", "a" * 64, None])
def test_a_malformed_type_is_refused(privacy_type: str) -> None:
    """Only lower-case names come into the MAC input."""
    with pytest.raises(VeilError, match="privacy_type"):
        Pseudonymiser(KEY, KID).tokens(pa.array(["a"]), privacy_type=privacy_type)


@pytest.mark.parametrize("values", [pa.array([1]), pa.array([b"a"]), ["a"], pa.array([None])])
def test_what_is_not_text_is_refused(values: object) -> None:
    """A number has more than one spelling, so the cast is the model's business."""
    with pytest.raises(VeilError, match="Cast the column to varchar"):
        Pseudonymiser(KEY, KID).tokens(values, privacy_type="ssn")


@pytest.mark.parametrize("key", [KEY.upper(), KEY[:-1], KEY + "0", KEY + "\n", "", None, b"a" * 64])
def test_a_malformed_key_is_refused_and_not_shown(key: str) -> None:
    """Only 64 lower-case hex characters are a key; the message holds none of it."""
    with pytest.raises(VeilError, match="64 lower-case hex") as refused:
        Pseudonymiser(key, KID)

    assert KEY[:8].lower() not in str(refused.value).lower()


@pytest.mark.parametrize("kid", ["", "k", "K1234567", "kabcdef_", "kabcdefgh", None])
def test_a_malformed_key_id_is_refused(kid: str) -> None:
    """A key id with an underscore would make a pseudonym that cannot be parsed."""
    with pytest.raises(VeilError, match="key id"):
        Pseudonymiser(KEY, kid)


def test_the_key_is_in_no_text_form_and_in_no_copy() -> None:
    """Neither printing nor pickling nor copying gives the key away."""
    engine = Pseudonymiser(KEY, KID)
    shown = f"{engine} {engine!r} {engine._hmac!r}"

    assert KEY not in shown and KID in shown
    assert not hasattr(engine, "__dict__")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(VeilError, match="holds a key"):
            leak(engine)


@pytest.mark.parametrize("method", ["tokens", "digest64"])
def test_a_failure_never_quotes_the_value(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause is not attached either: loggers print whole chains."""

    def fail(*_: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(mac.rules, "normalise", fail)
    with pytest.raises(VeilError, match="no value is shown") as refused:
        getattr(Pseudonymiser(KEY, KID), method)(pa.array([SECRET + " "]), privacy_type="email")

    assert refused.value.__context__ is None and refused.value.__cause__ is None
    assert SECRET not in "".join(traceback.format_exception_only(refused.value))


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    """An Arrow array of another origin is checked before native code reads it as text."""
    broken = SECRET.encode() + b"\xff"
    values = pa.StringArray.from_buffers(
        1, pa.py_buffer(np.array([0, len(broken)], dtype=np.int32)), pa.py_buffer(broken)
    )
    with pytest.raises(VeilError, match="no value is shown") as refused:
        Pseudonymiser(KEY, KID).tokens(values, privacy_type="email")

    assert SECRET not in str(refused.value)


def test_another_interface_of_the_plugin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin of another interface version is never called."""
    monkeypatch.setattr(_hmac, "_INTERFACE", 7)
    with pytest.raises(VeilError, match="polars-hash"):
        _hmac._plugin.__wrapped__()


def test_a_plugin_that_computes_another_mac_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The known answer is taken before the first value."""
    monkeypatch.setattr(
        _hmac.HexHmac, "heads", lambda *_, **__: np.full(300 * 40, ord("0"), dtype=np.uint8)
    )
    with pytest.raises(VeilError, match="another HMAC-SHA256"):
        _hmac.check_plugin.__wrapped__()


def test_a_null_that_reaches_the_plugin_is_refused() -> None:
    """It would shift every MAC after it by one row."""
    with pytest.raises(VeilError, match="another shape"):
        _hmac.HexHmac(KEY).heads(pa.array([b"a", None, b"b"]), chars=40)
