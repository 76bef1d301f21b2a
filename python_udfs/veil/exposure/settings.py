"""What changed in the project as a whole: variables, hooks, packages, profile, dashboards."""

from __future__ import annotations

from collections.abc import Iterator

from veil.exposure.change import Change, change, look, note
from veil.exposure.picture import Picture
from veil.exposure.spending import FILE, budget_changes
from veil.exposure.waivers import waiver_changes
from veil.exposure.words import code


def setting_changes(before: Picture, after: Picture) -> Iterator[Change]:
    """Every change of a setting. Without an earlier picture only what makes an exception is new."""
    new = after.project
    old = before.project or {**new, "waivers": [], "other_hooks": [], "budgets": {}}
    if old["threshold"] != new["threshold"]:
        lower = new["threshold"] < old["threshold"]
        yield change(
            "threshold_changed",
            f"the variable `veil:threshold` is {'lower' if lower else 'higher'}.",
            exposes=lower,
            before=str(old["threshold"]),
            after=str(new["threshold"]),
            file=FILE,
        )
    if old["publish"] != new["publish"]:
        message = f"a build {'now ends' if new['publish'] else 'no longer ends'} by publishing."
        yield change("setting_changed", message, exposes=new["publish"], file=FILE)
    yield from waiver_changes(old["waivers"], new["waivers"], "the project", file=FILE)
    yield from budget_changes(old["budgets"], new["budgets"])
    if old["profile"] != new["profile"]:
        yield look(
            "profile_changed",
            "the project names another profile.",
            before=code(old["profile"]),
            after=code(new["profile"]),
            file=FILE,
        )
    for name in sorted(old["variables"].keys() | new["variables"].keys()):
        if old["variables"].get(name) != new["variables"].get(name):
            yield look("setting_changed", f"the variable {code(name)} changed.", file=FILE)
    if old["dispatch"] != new["dispatch"]:
        yield look("setting_changed", "`dispatch` searches macros in another order.", file=FILE)
    yield from _hooks(old["hooks"], new["hooks"])
    if set(new["other_hooks"]) - set(old["other_hooks"]):
        yield look("hook_changed", "a run hook has new SQL.", file=FILE)
    elif set(old["other_hooks"]) - set(new["other_hooks"]):
        yield note("hook_changed", "the run hooks have less SQL.", file=FILE)
    for name in sorted(old["packages"].keys() | new["packages"].keys()):
        was, is_ = old["packages"].get(name, ""), new["packages"].get(name, "")
        if was != is_:
            verb = "changed" if was and is_ else "is new" if is_ else "is gone"
            yield change(
                "package_changed",
                f"package {code(name)} {verb}.",
                exposes=bool(is_),
                before=code(was) if was else "",
                after=code(is_) if is_ else "",
            )
    yield from _dashboards(old["dashboards"], new["dashboards"])


def _hooks(old: list[str], new: list[str]) -> Iterator[Change]:
    for hook in sorted(set(old) - set(new)):
        yield look("hook_changed", f"a run no longer calls {code(hook)}.", file=FILE)
    for hook in sorted(set(new) - set(old)):
        yield note("hook_changed", f"a run calls {code(hook)} now.", file=FILE)


def _dashboards(old: dict[str, list[str]], new: dict[str, list[str]]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        was, is_ = old.get(name), new.get(name)
        if was != is_:
            verb = "is gone" if is_ is None else "is new" if was is None else "reads other models"
            yield note("dashboard_changed", f"dashboard {code(name)} {verb}.")
