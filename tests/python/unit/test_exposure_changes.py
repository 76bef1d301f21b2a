"""Each way in which a change can expose more: noticed, and its opposite is no alarm."""

from __future__ import annotations

import json

import pytest
from exposure_cases import CASES as OTHER_CASES
from exposure_cases import LOOK, NOTE, WAIVER, Case, run_hook
from exposure_release_cases import CASES as RELEASE_CASES
from exposure_support import QUERY, SECRETS, column, compared, node, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.exposure import Change, Picture, as_markdown, compare
from veil.exposure.change import KINDS

CASES = [*OTHER_CASES, *RELEASE_CASES]


def changes(case: Case, *, back: bool = False) -> list[Change]:
    """What a case's edit changes, or the way back."""
    before, after = scene(), scene()
    for one in (before, after):
        if case.first is not None:
            case.first(one)
    case.edit(after)
    return compared(after, before) if back else compared(before, after)


def shown(found: list[Change]) -> str:
    """All that is printed of them, in every form."""
    forms = [as_markdown(found, base="main"), json.dumps([one.plain() for one in found])]
    return "\n".join([*forms, *(str(one.finding()) for one in found)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_change_is_named_and_weighed(case: Case) -> None:
    """The edit is noticed as what it is, in words that name the place, and nothing is quoted."""
    found = changes(case)
    kind, severity = case.there
    said = [one.text for one in found if (one.kind, one.severity) == (kind, severity)]

    assert said
    assert any(case.words in text for text in said), said
    assert not [secret for secret in SECRETS if secret in shown(found)]
    if severity is NOTE:
        assert {one.severity for one in found} == {NOTE}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_way_back_is_weighed_too(case: Case) -> None:
    """The opposite edit is a note where it protects more, and must be looked at where nobody but a
    person can tell."""
    found = changes(case, back=True)
    kind, severity = case.back
    of_kind = {one.severity for one in found if one.kind == kind}

    assert of_kind == ({severity} if kind else set())
    if severity is NOTE:
        assert LOOK not in {one.severity for one in found}


def test_every_kind_of_change_is_tried() -> None:
    """No kind is in the table of kinds alone."""
    tried = {kind for case in CASES for kind, _ in (case.there, case.back)} - {""}

    assert tried == set(KINDS)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(CASES), max_size=6))
def test_a_project_is_no_different_from_itself(cases: list[Case]) -> None:
    """Whatever stands in a project, comparing it with itself finds nothing."""
    one, other = scene(), scene()
    for case in cases:
        for place in (one, other):
            try:
                if case.first is not None:
                    case.first(place)
                case.edit(place)
            except KeyError:  # an edit before took the place away
                continue

    assert compared(one, other) == []


def test_what_says_nothing_new_changes_nothing() -> None:
    """Descriptions, comments, white space and the order of keys expose nothing."""
    before, after = scene(), scene()
    after.mart["description"] = "Another text."
    commented = QUERY.replace("-- grouped", "\n\n-- by place")
    after.mart["raw_code"] = commented.replace("from", "\n  from")
    after.mart["config"]["meta"] = dict(reversed(after.mart["config"]["meta"].items()))
    after.nodes = dict(reversed(after.nodes.items()))

    assert compared(before, after) == []


def test_a_comment_that_a_template_runs_in_is_no_comment() -> None:
    """Jinja runs inside a comment of SQL, and a quoted dash begins none."""
    hidden = [
        ("-- grouped", "-- {% set x = 1 %}"),
        ("-- grouped", "/* {{ x }} */"),
        ("city, age -- grouped", "city, age, '--', income"),
        ("-- grouped", "$$ -- $$ , income"),
        ("-- grouped", "{{ 'a\\'-- ' ~ income }}"),
    ]
    for old, new in hidden:
        before, after = scene(), scene()
        after.mart["raw_code"] = QUERY.replace(old, new)
        before.mart["raw_code"] = QUERY.replace(old, new.replace("income", "age").replace("x", "y"))

        assert [one.kind for one in compared(before, after)] == ["query_changed"], new


def test_from_nothing_everything_is_new() -> None:
    """Beside an empty picture each mart, its columns, its waivers and all personal data are new."""
    after = scene()
    after.meta("people", privacy_waiver=[WAIVER])
    run_hook(after)
    found = compare(Picture(), after.picture())
    looks = {(one.kind, one.model) for one in found if one.severity is LOOK}

    assert looks >= {
        ("audience_new", ""),
        ("mart_new", "people"),
        ("column_visible", "people"),
        ("waiver_changed", "people"),
        ("model_new", "psn_people"),
        ("model_new", "seed_people"),
        ("hook_changed", ""),
    }
    assert ("model_new", "seed_cities") not in looks


def test_a_model_that_never_could_be_followed_is_looked_at_when_its_query_changes() -> None:
    """Where lineage is blind, even a query that computes with the same may show something else."""
    before, after = scene(), scene()
    before.is_followed = after.is_followed = False
    after.mart["raw_code"] = QUERY.replace("avg(income)", "avg(ssn)")
    (found,) = compared(before, after)

    assert (found.kind, found.severity) == ("query_changed", LOOK)
    assert "nobody can follow it" in found.text


def test_data_that_nobody_classifies_is_none_of_veils() -> None:
    """A new column of a source that was never tagged is a note; a whole new source is looked at."""
    before, after = scene(), scene()
    for one in (before, after):
        one.nodes["seed.demo.loose"] = node("loose", "seed", column("a"))
    after.nodes["seed.demo.loose"]["columns"]["b"] = column("b")
    (grown,) = compared(before, after)
    after.nodes["seed.demo.other"] = node("other", "seed", column("a"))
    arrived = {(one.kind, one.model, one.severity) for one in compared(before, after)}

    assert (grown.kind, grown.severity) == ("column_unclassified", NOTE)
    assert ("model_new", "other", LOOK) in arrived


def test_a_column_that_left_the_source_may_leave_the_drop_list() -> None:
    """What is no longer there cannot come through."""
    before, after = scene(), scene()
    for name in ("seed.demo.seed_people", "model.demo.raw_people"):
        del after.nodes[name]["columns"]["income"]
    after.meta("psn_people", privacy_drop=[])

    assert {one.severity for one in compared(before, after)} == {NOTE}


def test_a_step_of_the_major_version_makes_a_break_of_the_contract_a_note() -> None:
    """The owner of the mart has told its readers."""
    before, after = scene(), scene()
    after.mart["columns"]["age"]["data_type"] = "bigint"
    after.meta("people", privacy_contract_version="2.0.0")

    assert [(one.kind, one.severity) for one in compared(before, after)] == [
        ("contract_broken", NOTE)
    ]


def test_new_readers_see_every_column() -> None:
    """A mart whose audience changes shows every column to the new readers."""
    before, after = scene(), scene()
    after.meta("people", privacy_audience="board")
    seen = [one.column for one in compared(before, after) if one.kind == "column_visible"]

    assert seen == sorted(before.seen)
