"""The `veil:` variables: what one part of a run would not see is refused before it starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from veil.errors import VeilError
from veil.policy.settings import check_settings

SOON = str(datetime.now(UTC).date() + timedelta(days=30))


def check(config: dict[str, Any], **changed: Any) -> None:
    seen = {"profile": "till", "threshold": 11, "publish": True, **changed}
    check_settings({"name": "shop", **config}, **{"waivers": [], **seen})


def test_variables_at_the_top_are_fine() -> None:
    """A project may set both variables directly under `vars:`, and others of its own anywhere."""
    variables = {"veil:threshold": 8, "veil:publish": False, "shop": {"region": "north"}}

    check({"vars": variables}, threshold=8, publish=False)


@pytest.mark.parametrize(
    "scoped",
    [
        pytest.param({"shop": {"veil:publish": False}}, id="in-the-projects-scope"),
        pytest.param({"shop": {"veil:threshold": 8}}, id="threshold-in-the-projects-scope"),
        pytest.param({"veil": {"threshold": 8}}, id="in-the-packages-scope"),
    ],
)
def test_scoped_variable_is_refused(scoped: dict[str, Any]) -> None:
    """dbt shows a scoped variable to models or to hooks, not to both: `publish` would be lost."""
    with pytest.raises(VeilError, match="where not every part of a run sees it"):
        check({"vars": scoped})


def test_unknown_variable_is_refused() -> None:
    """A misspelt variable would leave the default in force without a word."""
    with pytest.raises(VeilError, match="unknown variable `veil:treshold`"):
        check({"vars": {"veil:treshold": 20}})


@pytest.mark.parametrize("threshold", [2, 0, -11, True, "11", 11.5, None])
def test_unusable_threshold_is_refused(threshold: object) -> None:
    """A threshold is a whole number from 3; anything else would switch the protection off."""
    with pytest.raises(VeilError, match="`veil:threshold` is not usable"):
        check({}, threshold=threshold)


@pytest.mark.parametrize("publish", ["false", 0, None])
def test_unusable_publish_is_refused(publish: object) -> None:
    """The text `false` is true to Jinja: it would publish."""
    with pytest.raises(VeilError, match="`veil:publish` is not usable"):
        check({}, publish=publish)


def test_profile_named_veil_is_the_demos_alone() -> None:
    """A stranger's profile of that name would build the demo among his tables."""
    check({"name": "veil"}, profile="veil")

    with pytest.raises(VeilError, match="Rename it"):
        check({}, profile="veil")


def test_waivers_come_from_the_reviewed_file_alone() -> None:
    """What `--vars` says of waivers is refused; what dbt_project.yml says is read."""
    waiver = {"rule": "hook_sql", "node": "p", "owner": "a", "reason": "b", "until": SOON}
    check({"vars": {"veil:waivers": [waiver]}}, waivers=[waiver])

    with pytest.raises(VeilError, match="set outside"):
        check({}, waivers=[waiver])


@pytest.mark.parametrize(
    ("waiver", "says"),
    [
        ({"rule": "hook_sql"}, "has no `node`"),
        ({"rule": "hook_sql", "node": "p", "owner": "a", "reason": "b"}, "has no `until`"),
        (
            {"rule": "override", "node": "p", "owner": "a", "reason": "b", "until": SOON},
            "can never be waived",
        ),
    ],
)
def test_broken_waiver_of_the_project_is_refused(waiver: dict[str, str], says: str) -> None:
    """A waiver without an end, a place or a possible rule stops the run."""
    with pytest.raises(VeilError, match=says):
        check({"vars": {"veil:waivers": [waiver]}}, waivers=[waiver])
