"""Signed notes and checkpoints: as published elsewhere, strict in form, closed to every change."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from veil.audit.checkpoint import Checkpoint, read_checkpoints
from veil.audit.errors import CheckpointError, NoteError, TornCheckpointsError
from veil.audit.merkle import EMPTY_ROOT, leaf_hash
from veil.audit.note import Signer, Verifier, open_note, sign, split_note

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "notes.json").read_text(encoding="utf-8")
)
TEXT = VECTORS["text"]
PETER, ENOCH = VECTORS["keys"]
PETER_KEY, ENOCH_KEY = Verifier.parse(PETER["vkey"]), Verifier.parse(ENOCH["vkey"])
NOTE = f"{TEXT}\n{PETER['line']}"
ED25519 = (
    (Path(cryptography_vectors.__file__).parent / "asymmetric" / "Ed25519" / "sign.input")
    .read_text(encoding="ascii")
    .splitlines()
)
SEED = bytes(range(32))
SIGNER = Signer("example.com/record", SEED)
OTHER = Signer("example.com/witness", SEED[::-1])
CHECKPOINT = Checkpoint("example.com/record", 20, leaf_hash(b"root"))
SIGNED = sign(CHECKPOINT.text(), [SIGNER])


def changes(data: bytes) -> list[bytes]:
    """These bytes with each byte replaced, left out and doubled, one at a time."""
    found = []
    for at, byte in enumerate(data):
        before, behind = data[:at], data[at + 1 :]
        found += [before + bytes([byte ^ 1 << bit]) + behind for bit in range(8)]
        found += [before + behind, before + bytes([byte, byte]) + behind]
    return found


def file_of(*notes: str) -> bytes:
    """A file of checkpoints."""
    return "\n".join(notes).encode()


# --- keys ---


@pytest.mark.parametrize("key", VECTORS["keys"], ids=lambda key: key["name"])
def test_a_published_key_is_read(key: dict[str, str]) -> None:
    """Name, key id and public key, and the text that they came from."""
    verifier = Verifier.parse(key["vkey"])

    assert verifier.name == key["name"]
    assert verifier.key_id.hex() == key["vkey"].split("+")[1]
    assert verifier.vkey == key["vkey"]


@pytest.mark.parametrize("vkey", VECTORS["malformed_vkeys"])
def test_a_published_malformed_key_is_refused(vkey: str) -> None:
    """A key of another length or algorithm, with the key id that it would have."""
    with pytest.raises(NoteError, match="malformed"):
        Verifier.parse(vkey)


def test_every_part_and_every_change_of_a_key_is_refused() -> None:
    """Each shorter piece, and each changed character."""
    vkey = PETER["vkey"]
    pieces = {vkey[low:high] for low in range(len(vkey)) for high in range(low, len(vkey) + 1)}
    wrong = pieces - {vkey} | {item.decode("latin-1") for item in changes(vkey.encode())}

    for text in wrong:
        with pytest.raises(NoteError, match="malformed"):
            Verifier.parse(text)


@pytest.mark.parametrize("name", ["", "A", "a b", "a+b", "a\n", "ä", "a" * 201, "a\u2028"])
def test_a_signer_with_a_name_that_could_be_mistaken_is_refused(name: str) -> None:
    """Lower-case letters, digits and four marks."""
    with pytest.raises(NoteError, match="malformed name"):
        Signer(name, SEED)


@pytest.mark.parametrize("name", ["", "a b", "a\u00a0b", "a+b", "a\nb", "a\x7f"])
def test_a_known_key_with_an_impossible_name_is_refused(name: str) -> None:
    """No signature line could carry it."""
    with pytest.raises(NoteError, match="malformed"):
        Verifier(name, SIGNER.verifier.public)


def test_a_signer_does_not_show_its_seed() -> None:
    """Not in repr, not in an error, not in a pickle."""
    shown = repr(SIGNER) + repr(SIGNER.verifier) + SIGNER.vkey
    with pytest.raises(NoteError) as short:
        Signer("a", SEED[:31])
    with pytest.raises(TypeError):
        pickle.dumps(SIGNER)
    forms = (SEED[:31].hex(), base64.b64encode(SEED).decode(), repr(SEED)[2:-1])

    for form in forms:
        assert form not in shown + str(short.value)


# --- signatures ---


def test_ed25519_vectors_hold() -> None:
    """The reference implementation's vectors: seed and public key, key, message, signature."""
    assert len(ED25519) == 1024
    for line in ED25519:
        seed, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        signer = Signer("a", seed[:32])
        signature = signed[:64]

        assert signer.verifier.public == public
        assert signer.sign(message) == signature
        assert signer.verifier.holds(message, signature)
        assert not signer.verifier.holds(message + b"x", signature)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_does_not_hold(length: int) -> None:
    """It is refused, and nothing else goes wrong."""
    assert not SIGNER.verifier.holds(b"text", (SIGNER.sign(b"text") * 2)[:length])


def test_the_published_signature_is_made_again() -> None:
    """From the published seed: the same signature over the same text."""
    seed = base64.b64decode(PETER["seed_base64"])[1:]
    signer = Signer("peter", seed)
    ours, theirs = split_note(sign(TEXT, [signer]))[1][0], split_note(NOTE)[1][0]

    assert ours.value == theirs.value
    assert signer.verifier.public == PETER_KEY.public
    assert ours.key_id != theirs.key_id, "the name is a part of the key id"


# --- notes ---


def test_the_published_notes_open() -> None:
    """One known key of two, both, and each line twice: text, and the names of known keys."""
    both = NOTE + ENOCH["line"]
    cases: list[tuple[str, list[Verifier], tuple[str, ...]]] = [
        (NOTE, [PETER_KEY], ("PeterNeumann",)),
        (both, [PETER_KEY], ("PeterNeumann",)),
        (both, [ENOCH_KEY], ("EnochRoot",)),
        (both, [ENOCH_KEY, PETER_KEY, PETER_KEY], ("PeterNeumann", "EnochRoot")),
        (NOTE + PETER["line"] + ENOCH["line"] * 2, [PETER_KEY], ("PeterNeumann",)),
    ]

    for note, verifiers, names in cases:
        assert open_note(note, verifiers) == (TEXT, names)
        assert open_note(note.encode(), verifiers) == (TEXT, names)


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        f"{TEXT}\n",
        NOTE[:-1],
        f"\x01{NOTE}",
        b"\xff" + NOTE.encode(),
        f"{TEXT}\n— Bad Name {PETER['line'].split(' ')[2]}",
        f"{NOTE}Unexpected line.\n",
    ],
    ids=["no signature", "none behind the line", "cut", "control", "utf-8", "name", "line"],
)
def test_the_published_malformed_notes_are_refused(note: str | bytes) -> None:
    """From the same source."""
    with pytest.raises(NoteError):
        open_note(note, [PETER_KEY])


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("\n", "\r\n"),
        NOTE.replace(",", "\r"),
        NOTE.replace(",", "\t"),
        NOTE.replace(",", "\x00"),
        NOTE.replace(",", "\ud800"),
        NOTE.replace("—", "-"),
        NOTE.replace("— ", "—"),
        NOTE.replace("— ", "—  "),
        NOTE.replace("Neumann ", "Neumann  "),
        NOTE.replace("Neumann ", "Neumann\u00a0"),
        NOTE.replace("=\n", " =\n"),
        NOTE.replace("=\n", "\n"),
        NOTE.replace("=\n", "= \n"),
        NOTE.replace("AM=", "AN="),
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n— PeterNeumann \n",
        f"{TEXT}\n\n",
        "",
        "\n\n",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    """Controls, lone surrogates, other dashes, spaces, and base64 in a second spelling."""
    with pytest.raises(NoteError):
        split_note(note)


@pytest.mark.parametrize("signature", [b"", b"\x00", b"\x00" * 63, b"\x00" * 64])
def test_a_known_key_with_a_wrong_signature_is_refused(signature: bytes) -> None:
    """Also where another known key has signed, and in whichever order."""
    value = base64.b64encode(PETER_KEY.key_id + signature).decode()
    wrong = f"— PeterNeumann {value}\n"
    for block in (wrong, wrong + ENOCH["line"], ENOCH["line"] + wrong, PETER["line"] + wrong):
        with pytest.raises(NoteError):
            open_note(f"{TEXT}\n{block}", [PETER_KEY, ENOCH_KEY])


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    """Not by a key of the same name, nor by one that only claims the id."""
    namesake = Verifier("PeterNeumann", ENOCH_KEY.public)
    renamed = Verifier("Peter", PETER_KEY.public)
    for verifiers in ([], [ENOCH_KEY], [namesake], [renamed]):
        with pytest.raises(NoteError, match="No known key"):
            open_note(NOTE, verifiers)


def test_two_keys_that_nobody_can_tell_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same name, same id, another key: 32 bits of id can be made to collide."""
    monkeypatch.setattr(Verifier, "key_id", PETER_KEY.key_id)
    twin = Verifier("PeterNeumann", ENOCH_KEY.public)

    with pytest.raises(NoteError, match="same name and id"):
        open_note(NOTE, [PETER_KEY, twin])


def test_the_number_of_signatures_and_bytes_is_bounded() -> None:
    """A hundred lines and a megabyte open; one more of either does not."""
    known = [SIGNER.verifier]
    line = SIGNED.split("\n\n")[1]
    body = CHECKPOINT.text()
    filler = "a" * (1_000_000 - 1 - len(sign("\n", [SIGNER]).encode()))
    longest = sign(f"a{filler}\n", [SIGNER])

    assert len(longest.encode()) == 1_000_000
    assert open_note(longest, known)[1] == (SIGNER.name,)
    assert open_note(f"{body}\n{line * 100}", known) == (body, (SIGNER.name,))
    with pytest.raises(NoteError, match="more than 100"):
        open_note(f"{body}\n{line * 101}", known)
    with pytest.raises(NoteError, match="longer than"):
        open_note(f"b{longest}", known)
    with pytest.raises(NoteError, match="longer than"):
        sign(f"aa{filler}\n", [SIGNER])


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
@example("a\n\n\nb\n")
@example("\n\n")
def test_what_is_signed_opens_again(text: str) -> None:
    """Any text, empty lines in it and odd characters too, or it is not signed at all."""
    text = "".join(char for char in text if char >= " " or char == "\n") + "\n"
    note = sign(text, [SIGNER, OTHER])

    assert open_note(note, [OTHER.verifier]) == (text, (OTHER.name,))
    assert open_note(note, [SIGNER.verifier, OTHER.verifier])[1] == (SIGNER.name, OTHER.name)


@pytest.mark.parametrize(
    "text", ["", "a", "a\r\n", "a\tb\n", "a\ud800\n", f"a\n\n{PETER['line'][:-1]}"]
)
def test_a_text_that_would_not_come_back_is_not_signed(text: str) -> None:
    """Without a last newline a text could end in what looks like somebody's signature."""
    with pytest.raises(NoteError):
        sign(text, [SIGNER])


def test_a_note_has_signers_and_none_twice() -> None:
    """No signer, the same one twice, or too many."""
    many = [Signer(f"a{number}", SEED) for number in range(101)]
    for signers in ([], [SIGNER, SIGNER], many):
        with pytest.raises(NoteError):
            sign("a\n", signers)


def test_every_changed_byte_of_a_note_is_refused() -> None:
    """Replaced, left out or doubled: text, empty line, dash, name, id and signature."""
    for data in changes(SIGNED.encode()):
        with pytest.raises(NoteError):
            open_note(data, [SIGNER.verifier])


def test_no_error_repeats_the_note() -> None:
    """Neither text nor foreign names nor signatures show in a message."""
    errors = []
    for data in [*changes(NOTE.encode())[::7], NOTE.encode("utf-16")]:
        with pytest.raises(NoteError) as error:
            open_note(data, [ENOCH_KEY])
        errors.append(str(error.value))

    for part in ("crypto", "problem", "Peter", "x08go"):
        assert part not in "".join(errors)


# --- checkpoints ---


def test_the_published_checkpoint_is_read() -> None:
    """The example of the specification."""
    vector = VECTORS["checkpoint"]
    text, signatures = split_note(vector["note"])
    checkpoint = Checkpoint.parse(text)

    assert checkpoint == Checkpoint(
        vector["origin"], vector["size"], bytes.fromhex(vector["root_hex"])
    )
    assert checkpoint.text() == text
    assert [item.name for item in signatures] == [vector["origin"]]


@settings(max_examples=100, deadline=None)
@given(
    st.from_regex(r"[a-z0-9./_-]{1,200}", fullmatch=True),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1), max_size=3
    ),
)
def test_a_checkpoint_survives_its_text(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    """Signed, opened and parsed it is the same."""
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    text, _ = open_note(sign(checkpoint.text(), [SIGNER]), [SIGNER.verifier])

    assert Checkpoint.parse(text) == checkpoint


def test_every_changed_byte_of_a_checkpoint_is_refused_or_another_checkpoint() -> None:
    """No checkpoint has two texts."""
    for data in changes(CHECKPOINT.text().encode()):
        try:
            found = Checkpoint.parse(data.decode("latin-1"))
        except CheckpointError:
            continue
        assert found != CHECKPOINT


@pytest.mark.parametrize(
    "fields",
    [
        {"origin": ""},
        {"origin": "a b"},
        {"origin": "a\n5"},
        {"origin": "Ab"},
        {"size": -1},
        {"size": 2**63},
        {"size": True},
        {"size": 1.0},
        {"size": 0},
        {"root": b""},
        {"root": bytes(33)},
        {"root": "a" * 32},
        {"extensions": ("",)},
        {"extensions": ("a\nb",)},
        {"extensions": ("a\x00",)},
    ],
)
def test_a_malformed_checkpoint_cannot_be_made(fields: dict[str, Any]) -> None:
    """An empty tree has the root of the RFC and no other."""
    fine: dict[str, Any] = {"origin": "a", "size": 1, "root": bytes(32)}
    with pytest.raises(CheckpointError, match="malformed"):
        Checkpoint(**{**fine, **fields})


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        f"a\n1\n{ROOT}",
        f"a\n01\n{ROOT}\n",
        f"a\n+1\n{ROOT}\n",
        f"a\n1_0\n{ROOT}\n",
        f"a\n\u0661\n{ROOT}\n",
        f"a\n 1\n{ROOT}\n",
        f"a\n-1\n{ROOT}\n",
        f"a\n\n{ROOT}\n",
        f"a\n{'9' * 5000}\n{ROOT}\n",
        f"a\n9999999999999999999\n{ROOT}\n",
        f"a\n1\n{ROOT[:-1]}\n",
        f"a\n1\n{ROOT[:-2]}B=\n",
        f"a\n1\n{ROOT}\n\n",
        f"a\n1\n{ROOT}\n\nb\n",
        f"a\n0\n{ROOT}\n",
        f"a\r\n1\n{ROOT}\n",
    ],
)
def test_a_malformed_checkpoint_text_is_refused(text: str) -> None:
    """Other digits, other base64, other lines."""
    with pytest.raises(CheckpointError, match="malformed"):
        Checkpoint.parse(text)


# --- files of checkpoints ---

NOTES = [
    sign(Checkpoint("example.com/record", 0, EMPTY_ROOT).text(), [SIGNER]),
    sign(Checkpoint("example.com/record", 7, bytes(32), ("più", "b")).text(), [SIGNER, OTHER]),
    SIGNED,
]


@pytest.mark.parametrize("number", range(4))
def test_a_file_of_checkpoints_is_taken_apart(number: int) -> None:
    """None, one, several; each opens by itself."""
    found = read_checkpoints(file_of(*NOTES[:number]))

    assert found == NOTES[:number]
    for note in found:
        assert SIGNER.name in open_note(note, [SIGNER.verifier])[1]


def test_a_file_cut_anywhere_is_torn_and_says_where() -> None:
    """After every byte that is not the end of a note; what is whole is kept and can go on."""
    data = file_of(*NOTES)
    # The second note is whole after its first signature too: the second one is another key's.
    first_of_two = len(file_of(NOTES[0], NOTES[1])) - len(NOTES[1].encode().splitlines(True)[-1])
    ends = {len(file_of(*NOTES[:number])): number for number in range(4)}
    for length in range(len(data) + 1):
        if length in ends:
            assert read_checkpoints(data[:length]) == NOTES[: ends[length]]
        elif length == first_of_two:
            assert len(read_checkpoints(data[:length])) == 2
        else:
            whole = max(end for end in ends if end < length)
            with pytest.raises(TornCheckpointsError) as torn:
                read_checkpoints(data[:length])
            assert torn.value.notes == tuple(NOTES[: ends[whole]])
            assert torn.value.whole == whole
            assert read_checkpoints(data[: torn.value.whole]) == list(torn.value.notes)


def test_a_file_changed_in_the_middle_is_malformed_or_does_not_open() -> None:
    """Any bit, any byte left out or doubled before the last note: never torn, never believed."""
    first, rest = NOTES[0].encode(), b"\n" + NOTES[2].encode()
    for data in changes(first):
        try:
            notes = read_checkpoints(data + rest)
        except TornCheckpointsError:
            pytest.fail("a changed note was taken for a crash")
        except CheckpointError:
            continue
        with pytest.raises(NoteError):
            [open_note(note, [SIGNER.verifier]) for note in notes]


@pytest.mark.parametrize(
    "tail",
    [
        "\n\n",
        "\nEXAMPLE",
        "\nexample.com/record\n07",
        "\nexample.com/record\n7\n!",
        "\nexample.com/record\n7\nAAAA\n",
        f"\nexample.com/record\n7\n{ROOT}\n\nnone",
        f"\nexample.com/record\n7\n{ROOT}\n\n—x",
        f"\nexample.com/record\n7\n{ROOT}\n\n— a b!",
        f"\nexample.com/record\n7\n{ROOT[:-2]}B=\n\n— a ",
        f"\nexample.com/record\n7\n{ROOT}\n\n— a AAAA\nb",
        f"\nexample.com/record\n7\n{ROOT}\n\n— a !\n— b",
        "\nexample.com/rec\udce2",
        "\nexample.com/record\n7\udce2",
        "\nexample.com/record\n7\n\x00\x00\x00",
        "example.com/record\n7",
        "\n\udced\udca0\udc80",
    ],
)
def test_a_tail_that_no_crash_leaves_is_malformed(tail: str) -> None:
    """What is there of the last note must be the beginning of one."""
    data = SIGNED.encode() + tail.encode("utf-8", "surrogateescape")
    with pytest.raises(CheckpointError) as error:
        read_checkpoints(data)

    assert not isinstance(error.value, TornCheckpointsError)
    assert str(error.value).startswith(("Note 1 ", "Note 2 "))


def test_a_signed_note_that_is_no_checkpoint_is_malformed() -> None:
    """A good signature over something else has no place in the file."""
    other = sign("example.com/record\n7\nnone\n", [SIGNER])
    for notes in ([other], [SIGNED, other], [other, SIGNED]):
        with pytest.raises(CheckpointError, match="is malformed"):
            read_checkpoints(file_of(*notes))


def test_what_is_known_of_a_key_can_be_copied() -> None:
    """A verifier is plain data."""
    assert copy.deepcopy(PETER_KEY) == pickle.loads(pickle.dumps(PETER_KEY)) == PETER_KEY
