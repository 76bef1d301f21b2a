"""The Markdown of a comment: short, complete, and harmless whatever a name holds."""

from __future__ import annotations

from exposure_support import Seen, compared, scene

from veil.exposure import as_markdown
from veil.exposure.change import look, note
from veil.exposure.markdown import LONGEST, MARK, safe


def test_no_change_is_one_line() -> None:
    """Nothing to read where nothing changed."""
    text = as_markdown([], base="main")

    assert text == f"veil: nothing changes in what anybody can see, compared with `main`. {MARK}\n"


def test_the_table_says_who_sees_what() -> None:
    """A row names audience, mart and column, and what it is made of."""
    before, after = scene(), scene()
    after.seen["income"] = Seen({"seed_people.income": "sensitive"})
    text = as_markdown(compared(before, after), base="main")

    assert text.startswith(f"## veil: 1 change for a reviewer to look at {MARK}\n\nCompared with")
    assert "| `research` | `people` | `income` | made of `seed\\_people.income`" not in text
    assert "| `research` | `people` | `income` | made of `seed_people.income` (sensitive) |" in text
    assert "- **Column became visible**: 1 column, see above. *May these readers see it?*" in text


def test_columns_of_the_same_kind_share_a_row() -> None:
    """A new mart is a few rows, not one for each column."""
    before, after = scene(), scene()
    after.seen["one"] = after.seen["two"] = Seen({"seed_people.kind": "non_sensitive"})
    text = as_markdown(compared(before, after), base="main")

    assert text.count("| `research` |") == 1
    assert "| `one`, `two` |" in text


def test_notes_are_folded_away() -> None:
    """What needs nobody's eye is there for who wants it."""
    text = as_markdown([look("gate_gone", "it is gone."), note("mart_gone", "gone.")], base="main")

    assert "1 change for a reviewer to look at, 1 note" in text
    assert text.index("A reviewer must look") < text.index("<details>") < text.index("</details>")
    assert "- **Mart gone**: gone.\n\n</details>" in text


def test_a_path_stands_below_its_change() -> None:
    """The flow that is new is shown as it is."""
    text = as_markdown([look("source_new", "more.", path="a.b -> c.d")], base="main")

    assert "\n  - `a.b -> c.d`\n" in text


def test_a_name_from_the_pull_request_is_only_a_name() -> None:
    """Neither links nor mentions nor markup nor a broken table come out of names."""
    bad = "x`](https://evil.example) @all <img src=x> | **b**"
    one = look(
        "column_visible",
        f"column {bad} of y.",
        model=bad,
        column=bad,
        audience=bad,
        after=f"made of {bad}",
    )
    text = as_markdown([one, look("type_changed", f"was {bad}")], base=bad, notice=bad)
    outside = "".join(part for line in text.split("\n") for part in line.split("`")[::2])
    rows = [line for line in text.split("\n") if line.startswith("| ")]

    assert "@all" not in outside
    assert "](" not in outside.replace("\\](", "")
    assert "<img" not in outside.replace("\\<img", "")
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


def test_what_is_no_code_is_escaped() -> None:
    """Code spans stay as they are; a stray backtick opens none."""
    assert safe("a_b `c_d` <e> f`g") == "a\\_b `c_d` \\<e\\> fg"


def test_a_comment_has_an_end() -> None:
    """What does not fit is counted, and the folded part is closed."""
    changes = [
        note("mart_gone", f"mart number {at} of a very long list is gone.") for at in range(9000)
    ]
    text = as_markdown(changes, base="main")
    kept = text.count("\n- ")
    left = int(text.rsplit("\n\n", 1)[1].split(" ")[0].replace(",", ""))

    assert len(text) < LONGEST + 200
    assert text.count("<details>") == text.count("</details>") == 1
    assert kept + left == 9000
