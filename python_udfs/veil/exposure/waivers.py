"""What changed in waivers: rules that are set aside for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veil.exposure.change import Change, change, look, note
from veil.exposure.words import code

Waiver = Mapping[str, Any]


def waiver_changes(
    before: Sequence[Waiver], after: Sequence[Waiver], title: str, **place: str
) -> Iterator[Change]:
    """Waivers that came, went, or run otherwise.

    Args:
        before: as they were.
        after: as they are.
        title: what they stand on, in words.
        place: model, audience and file for the changes.
    """
    old, new = ({_key(one): one for one in some} for some in (before, after))
    for key, one in new.items():
        what = f"{_named(one)} for {title}"
        more = {**place, "column": str(one["column"])}
        was = old.get(key)
        if was is None:
            yield look("waiver_changed", f"{what} is new.", after=f"until {one['until']}", **more)
        elif was["until"] != one["until"]:
            later = str(one["until"]) > str(was["until"])
            yield change(
                "waiver_changed",
                f"{what} runs {'longer' if later else 'less long'}.",
                exposes=later,
                before=f"until {was['until']}",
                after=f"until {one['until']}",
                **more,
            )
        elif was["text"] != one["text"]:
            yield note("waiver_changed", f"{what} has another owner or reason.", **more)
    for key, one in old.items():
        if key not in new:
            more = {**place, "column": str(one["column"])}
            yield note("waiver_changed", f"{_named(one)} for {title} is gone.", **more)


def _key(one: Waiver) -> tuple[str, str, str]:
    return str(one["node"]), str(one["rule"]), str(one["column"])


def _named(one: Waiver) -> str:
    where = f" on {code(one['node'])}" if one["node"] else ""
    column = f" column {code(one['column'])}" if one["column"] else ""
    return f"the waiver of {code(one['rule'])}{where}{column}"
