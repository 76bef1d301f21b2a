"""The ways in which releases with noise have failed, and for each the tests that would notice it.

Names without a file stand in this one; others are looked for from `tests/python/` on.

 1. Floating-point grids: test_released_numbers_lie_on_the_grid_whatever_the_floats,
    unit/test_releases_cells.py::test_every_number_lies_on_the_declared_grid
 2. Order-dependent sums: test_the_order_of_rows_changes_no_number,
    unit/test_bounding.py::test_neither_order_nor_threads_change_a_number
 3. Overflow: unit/test_bounding.py::test_a_sum_beyond_64_bits_is_refused,
    unit/test_differential_noise.py::test_an_overflow_is_refused_before_anything_is_drawn
 4. NaN, Inf and NULL past the clamp: test_what_is_no_number_never_counts_as_a_bound,
    unit/test_bounding_steps.py::test_what_is_no_number_is_dropped_or_counts_as_the_default
 5. One draw for many cells: test_no_two_cells_share_a_draw
 6. Equal draws in two columns: test_no_two_columns_share_a_draw,
    unit/test_releases_cells.py::test_the_draws_that_select_are_not_those_that_are_released
 7. Re-run averaging: test_ten_builds_of_one_period_give_one_number
 8. Noise that can be computed again without secrets: test_two_clones_with_one_keyring_draw_apart
 9. Group-size leaks: test_public_marts_have_the_same_cells_whatever_the_data
10. Group-key leaks: test_a_key_of_one_person_stands_nowhere
11. L0 and Linf really enforced: test_a_person_with_ten_thousand_rows_moves_what_the_bounds_allow,
    attacks/test_differential_audit.py::test_no_more_is_learnt_than_the_mart_declares
12. Biased or predictable bounding: test_each_cell_of_a_person_is_as_likely_to_stay,
    unit/test_bounding_ranks.py::test_nobody_predicts_a_choice_without_the_key
13. Fan-out joins after bounding: test_a_join_that_multiplies_rows_comes_before_the_bounds
14. Wrong scale: test_mean_absolute_noise_is_that_of_the_declared_scale
15. Vanished empty cells: test_cells_without_anybody_are_noisy_zeros
16. Timing of samplers: test_a_mart_takes_one_vector_call_for_each_scale,
    test_no_artefact_times_a_cell
17. Budget arithmetic, race and refund:
    unit/test_differential_budgets.py::test_ten_tenths_fit_into_one_and_the_eleventh_of_any_size_does_not,
    attacks/test_ledger_kills.py::test_of_two_processes_one_gets_the_last_share,
    project/test_differential.py::test_mart_that_its_gate_refuses_is_charged_once
18. Weak randomness: test_no_seed_of_the_process_repeats_a_draw,
    unit/test_differential_noise.py::test_two_processes_and_their_forks_draw_apart
19. Exact values in side outputs: test_no_exact_sum_stands_beside_the_noisy_one
20. Clamping to data-dependent bounds: test_bounds_that_come_from_the_data_are_refused,
    unit/test_bypass_leaky.py::test_jinja_that_reads_is_refused
21. Incremental differences:
    project/test_differential.py::test_one_more_day_is_charged_alone_and_old_days_stay,
    attacks/test_differential_audit.py::test_someone_present_on_every_day_loses_the_sum_of_the_days
22. Data-dependent domains: test_cells_outside_the_public_ones_leave_no_trace,
    attacks/test_differential_audit.py::test_a_place_of_one_person_is_named_no_more_often_than_delta

False alarm: what is exact has none but that a draw of scale 0.03 is not 0, together below 1e-9 for
all cells of the file; statistical tests name theirs, together below 1e-6.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import math
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from differential_support import (
    AUDIENCE,
    CANARY,
    CELLS,
    CROWD,
    DOLLARS,
    EVERY_GROUP,
    EVERY_ROW,
    EXACT,
    FAVOURITE,
    HALF,
    MARTS,
    NO_THRESHOLD,
    ONE_DRAW,
    OUTSIDE,
    Audit,
    Mart,
    awkward,
    built_audit,
    described,
    seeded,
    shuffled,
)
from harness import DbtProject
from ledger_support import by_hand
from statistical_support import is_binomial
from veil.differential import noise
from veil.policy.graph import Node
from veil.releases import problems
from veil.releases.plan import SELECTION
from veil.stability import Personal, check_stable
from veil.warehouse import private_release
from veil.warehouse.ledger_cells import cells_from_bytes
from veil.warehouse.planned import Planned

pytestmark = pytest.mark.project

TESTS = Path(__file__).parents[1]
FAILURES = 22
NAME = re.compile(r"(?:[\w/]+\.py::)?test_\w+")
Numbers = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, _environment: object) -> Audit:
    """The one build of this process."""
    return built_audit(tmp_path_factory)


@pytest.fixture(scope="module")
def again(audit: Audit) -> Iterator[DbtProject]:
    """A copy of the built project, to build once more."""
    copy = audit.copy(1)
    yield copy
    shutil.rmtree(copy.root, ignore_errors=True)


@pytest.fixture(scope="module")
def clone(audit: Audit) -> Iterator[DbtProject]:
    """A project with the keyring of the built one, in which nothing was ever released."""
    copy = audit.copy(2)
    shutil.rmtree(copy.root / "published")
    shutil.rmtree(copy.root / "state")
    shutil.copytree(audit.state, copy.root / "state")
    with seeded():
        outcome = copy.dbt("run", "--select", "wide", "choice")
    assert outcome.ok, outcome.text
    yield copy
    shutil.rmtree(copy.root, ignore_errors=True)


def values(table: pa.Table, name: str = "n") -> list[Any]:
    """A column in the order of the first key."""
    return table.sort_by(table.column_names[0]).column(name).to_pylist()


def numbers(table: pa.Table, name: str = "n") -> Numbers:
    """The same as numbers."""
    return np.array(values(table, name), dtype=np.float64)


# the list itself


def listed() -> dict[int, list[str]]:
    """The tests that the docstring names, by the number of the failure."""
    rows = re.split(r"^ ?(\d+)\. ", str(__doc__).partition("False alarm")[0], flags=re.MULTILINE)
    return {
        int(number): NAME.findall(text) for number, text in zip(rows[1::2], rows[2::2], strict=True)
    }


def is_a_test(name: str) -> bool:
    """Whether a test of that name stands where it is said to."""
    path, _, own = name.rpartition("::")
    file = TESTS / path if path else Path(__file__)
    if not file.is_file():
        return False
    found = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return any(isinstance(one, ast.FunctionDef) and one.name == own for one in found)


def test_every_failure_has_a_test_that_exists() -> None:
    """All 22 by number, each with one test at least; no test of this file stands for nothing."""
    named = listed()
    own = {
        one.name
        for one in ast.parse(Path(__file__).read_text(encoding="utf-8")).body
        if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
    }
    everything = {name for names in named.values() for name in names}

    assert sorted(named) == list(range(1, FAILURES + 1))
    assert all(named.values())
    assert sorted(name for name in everything if not is_a_test(name)) == []
    assert own - everything == {"test_every_failure_has_a_test_that_exists"}
    assert not is_a_test("unit/test_bounding.py::test_of_another_name")


# numbers


def on_grid(found: Numbers, step: float) -> bool:
    """Whether all are multiples of a step that is a power of two, or a whole number."""
    return bool((np.mod(found, step) == 0).all())


def finite() -> list[float]:
    """The awkward amounts that are of a size to be added."""
    found = (float(str(amount) or "nan") for _, _, amount, _ in awkward())
    return [one for one in found if abs(one) < 1000]


def test_released_numbers_lie_on_the_grid_whatever_the_floats(audit: Audit) -> None:
    """Values and both ends, over amounts in any float; the floats' own sums lie nowhere near."""
    table = audit.table("grid")
    for end in ("", "_low", "_high"):
        assert on_grid(numbers(table, "n" + end), 0.25)
        assert on_grid(numbers(table, "five" + end), 5)

    assert not on_grid(np.array(finite()), 0.25)
    assert len(set(values(table))) > CELLS / 50


def test_the_order_of_rows_changes_no_number(audit: Audit) -> None:
    """Two marts over the same rows in two orders; a sum of floats would differ."""
    order = [float(str(amount) or "nan") for _, _, amount, _ in shuffled()]
    other = [one for one in order if abs(one) < 1000]

    assert audit.table("floats").equals(audit.table("floats_again"))
    assert sorted(other) == sorted(finite())
    assert sum(other) != sum(finite())


def totals(*, strange: float | None) -> list[Fraction]:
    """The sum of each of the eight cells; what is no number is dropped, or counts as `strange`."""
    found = [Fraction(0)] * 8
    for _, cell, text, _ in awkward():
        amount = float(str(text) or "nan")
        if math.isfinite(amount):
            inside = min(max(Fraction(amount), Fraction(0)), Fraction(100))
            found[int(cell)] += Fraction(round(inside * 4), 4)
        elif strange is not None:
            found[int(cell)] += Fraction(strange)
    return found


def test_what_is_no_number_never_counts_as_a_bound(audit: Audit) -> None:
    """NULL, NaN and both infinities add nothing to a sum, and their rows are counted.

    DuckDB's own `greatest(0, least(100, NULL))` is 100.
    """
    table = audit.table("floats")
    with duckdb.connect() as conn:
        naive = conn.execute("select greatest(0, least(100, null))").fetchall()

    assert values(table, "total") == totals(strange=None)
    assert values(table, "n") == [len(awkward()) // 8] * 8
    assert naive == [(100,)]
    assert values(table, "total") != totals(strange=100.0)


# draws


def share(first: Numbers, second: Numbers) -> bool:
    """Whether two columns of wide noise agree, wholly or up to the sign.

    False alarm below 2e-8: at a scale of 4e11 two draws are of one size with probability below
    3e-12, in 4,000 pairs below 1e-8; their signs agree as a fair coin falls.
    """
    together = int((np.sign(first) == np.sign(second)).sum())
    fair = is_binomial(together, trials=len(first), chance=0.5, alarm=1e-8)
    return bool((np.abs(first) == np.abs(second)).any()) or not fair


def test_no_two_cells_share_a_draw(audit: Audit) -> None:
    """Each cell and the next one, all of them empty. The twin adds one draw to all cells."""
    draws, twin = numbers(audit.table("wide")), numbers(audit.table("wide", ONE_DRAW))

    assert not share(draws[1:], draws[:-1])
    assert share(twin[1:], twin[:-1])


def test_no_two_columns_share_a_draw(audit: Audit) -> None:
    """Two equal metrics of one mart. The twin has one draw for both."""
    table, twin = audit.table("wide"), audit.table("wide", ONE_DRAW)

    assert not share(numbers(table), numbers(table, "again"))
    assert share(numbers(twin), numbers(twin, "again"))


def test_ten_builds_of_one_period_give_one_number(again: DbtProject, audit: Audit) -> None:
    """A build that asks ten times is given the stored cells ten times, and the sampler never runs.

    The twin asks past the ledger: ten other numbers, whose mean would come ever nearer the truth.
    """
    given: list[pa.Table] = []
    fresh: list[pa.Table] = []
    calls: list[object] = []
    draw, release = private_release.draw_release, noise._release

    def ten_times(session: Any, graph: Any, node: Any, sql: str) -> Any:
        with mock.patch.object(noise, "_release", lambda *_, **__: calls.append(node)):
            for _ in range(10):
                drawn = draw(session, graph, node, sql)
                found = session.conn.execute(f"select * from {drawn.relation}")
                given.append(found.to_arrow_table())
        planned = Planned(graph, node, sql)
        for _ in range(10):
            fresh.append(private_release._cells(session, planned, planned.draw(None), None))
        return drawn

    with mock.patch("veil.warehouse.bridge.draw_release", ten_times):
        outcome = again.dbt("run", "--select", "wide")

    assert outcome.ok, outcome.text
    assert noise._release is release
    assert len(given) == 10
    assert all(values(one) == values(audit.table("wide")) for one in given)
    assert calls == []
    assert len({tuple(values(one)) for one in fresh}) == 10


def rows_of(project: DbtProject, name: str) -> pa.Table:
    """A mart as it stands in its zone."""
    with project.connect(read_only=True) as conn:
        return conn.execute(f"select * from marts.main.{name}").to_arrow_table()


def test_two_clones_with_one_keyring_draw_apart(clone: DbtProject, audit: Audit) -> None:
    """Keyring, data, project and all seeds are the same: what is keyed is equal, and noise is not.

    The same release keeps the same contributions, and so shows the same counts where hardly any
    noise is; the wide noise has no number in common.
    """
    first, second = numbers(audit.table("wide")), numbers(rows_of(clone, "wide"))

    assert values(rows_of(clone, "choice")) == values(audit.table("choice"))
    assert not share(first, second)
    assert share(first, first)


def test_no_seed_of_the_process_repeats_a_draw(clone: DbtProject, audit: Audit) -> None:
    """`random.seed`, NumPy's and DuckDB's `setseed` stood the same before every draw of all builds.

    Each of them repeats what is drawn from itself; no draw of the sampler comes again. False alarm
    below 2e-7, for six pairs of columns.
    """

    def from_seeds() -> tuple[object, ...]:
        random.seed(1)
        np.random.seed(1)
        with duckdb.connect() as conn:
            conn.execute("select setseed(0.5)")
            own = conn.execute("select random()").fetchall()
        return random.random(), float(np.random.random()), own

    tables = (audit.table("wide"), rows_of(clone, "wide"))
    drawn = [numbers(one, name) for one in tables for name in ("n", "again")]

    assert from_seeds() == from_seeds()
    assert not any(share(one, other) for one, other in itertools.combinations(drawn, 2))


EMPTY = ("n", "people", "total", "bins")


def miss(audit: Audit, name: str, twin: str = "") -> float:
    """Mean absolute noise on empty cells less the declared one, in standard errors."""
    made = audit.plans["empty"]
    metric = next(one for one in made.declared.metrics if one.name == name)
    p = math.exp(-1 / made.noises[name].scale)
    expected, square = 2 * p / (1 - p * p), 2 * p / (1 - p) ** 2
    sizes = np.abs(numbers(audit.table("empty", twin), name)).ravel() / float(metric.resolution)
    error = math.sqrt((square - expected**2) / sizes.size)
    return (float(sizes.mean()) - expected) / error


@pytest.mark.parametrize("name", EMPTY)
def test_mean_absolute_noise_is_that_of_the_declared_scale(audit: Audit, name: str) -> None:
    """On 4,000 cells without anybody, within 6.5 standard errors. False alarm below 1e-9.

    The mean of 4,000 draws is as good as normal. The twin's noise has half the scale.
    """
    assert abs(miss(audit, name)) < 6.5
    assert abs(miss(audit, name, HALF)) > 6.5


def test_cells_without_anybody_are_noisy_zeros(audit: Audit) -> None:
    """No row of the file is of this mart: every public cell is released, and most not as 0."""
    table = audit.table("empty")
    with (audit.project.root / "data" / "rows.csv").open() as file:
        rows = Counter(line.split(",")[1] for line in file)
    counts = numbers(table)

    assert rows["empty"] == 0
    assert rows["visits"] > CELLS
    assert values(table, "cell") == list(range(CELLS))
    assert (counts != 0).mean() > 0.5
    assert (counts < 0).any()


# cells


def test_public_marts_have_the_same_cells_whatever_the_data(audit: Audit) -> None:
    """Crowded, thin or empty: keys and number of rows are those of the YAML, here and in the file
    that says how many rows there are."""
    text = (audit.project.root / "published" / AUDIENCE / "RELEASE.json").read_text()
    tables = {one["name"]: one for one in json.loads(text)["tables"]}
    for name, one in MARTS.items():
        if one.cells:
            days = 2 if audit.plans[name].declared.increment else 1
            wanted = sorted(days * [*range(one.cells)])

            assert sorted(values(audit.table(name), "cell")) == wanted
            assert tables[name]["rows"] == len(wanted)


def test_cells_outside_the_public_ones_leave_no_trace(audit: Audit) -> None:
    """A person in a cell that is not listed: no row, no count. Without the list it would be one."""
    with (audit.project.root / "data" / "rows.csv").open() as file:
        outside = [line for line in file if f",choice,{OUTSIDE}," in line]

    assert len(outside) == 1
    assert values(audit.table("choice"), "cell") == list(range(10))
    assert sum(values(audit.table("choice"))) == 1000


def crowd(audit: Audit, twin: str = "") -> list[tuple[int, int, int]]:
    """What the person with very many rows adds to each cell: rows, people, total."""
    table = audit.table("crowd", twin)
    found = zip(values(table), values(table, "people"), values(table, "total"), strict=True)
    return [(rows - 10, people - 10, total - 10) for rows, people, total in found]


def test_a_person_with_ten_thousand_rows_moves_what_the_bounds_allow(audit: Audit) -> None:
    """Three of five cells, by two rows of 100 dollars each: L0 is 3, Linf 2.

    Twins: without L0 all five cells move; without Linf three of them by all his rows.
    """
    moved = Counter(crowd(audit))

    assert moved == {(2, 1, 200): 3, (0, 0, 0): 2}
    assert Counter(crowd(audit, EVERY_GROUP)) == {(2, 1, 200): 5}
    assert Counter(crowd(audit, EVERY_ROW)) == {(CROWD, 1, 100 * CROWD): 3, (0, 0, 0): 2}


def is_even(counts: list[int]) -> bool:
    """Whether 1,000 people who each keep one of ten cells are spread evenly; alarm 1e-8."""
    return all(is_binomial(one, trials=1000, chance=0.1, alarm=1e-9) for one in counts)


def test_each_cell_of_a_person_is_as_likely_to_stay(audit: Audit) -> None:
    """Ten cells, of which one stays, of 1,000 people; and another release keeps others.

    False alarm below 2e-8: two independent releases show the same ten counts with probability
    below 1e-9. The twin ranks without the person, so that all keep the same cell.
    """
    counts = values(audit.table("choice"))

    assert is_even(counts)
    assert is_even(values(audit.table("choice_again")))
    assert counts != values(audit.table("choice_again"))
    assert not is_even(values(audit.table("choice", FAVOURITE)))


def test_a_join_that_multiplies_rows_comes_before_the_bounds(audit: Audit) -> None:
    """Ten people a cell, each with one row, of which the join makes ten: two of each are counted.

    Without the bound after the join all 100 are.
    """
    assert values(audit.table("fan")) == [20] * 6
    assert values(audit.table("fan", EVERY_ROW)) == [100] * 6


# the sampler


def test_a_mart_takes_one_vector_call_for_each_scale(audit: Audit) -> None:
    """As many calls as a mart has scales, and one to select, each over all its cells."""
    for name, one in MARTS.items():
        made, calls = audit.plans[name], [call for call in audit.calls if call.mart == name]
        days = 2 if made.declared.increment else 1
        scales = set(made.noises.values())
        if one.cells:
            sizes = Counter(
                {
                    scale: one.cells
                    * sum(part.width for part in made.parts if made.noises[part.name] == scale)
                    for scale in scales
                }
            )
            assert Counter({call.noise: call.size for call in calls}) == sizes
        selects = SELECTION in dict(made.charges)

        assert len(calls) == len(scales) * days + selects
        assert selects == (not one.cells)


@contextlib.contextmanager
def ledger_rows(project: DbtProject) -> Iterator[list[tuple[str, list[str], list[Any]]]]:
    """Every table of the ledger: its name, its columns, its rows."""
    with by_hand(project.veil) as conn:
        names = conn.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'l'"
        ).fetchall()
        found = []
        for schema, name in names:
            cursor = conn.execute(f'select * from l."{schema}"."{name}"')
            columns = [str(one[0]) for one in cursor.description or ()]
            found.append((str(name), columns, cursor.fetchall()))
        yield found


def stored(project: DbtProject) -> list[pa.Table]:
    """The cells of every release in the ledger."""
    with ledger_rows(project) as tables:
        blobs = [cell for _, _, rows in tables for row in rows for cell in row]
    return [cells_from_bytes(one) for one in blobs if isinstance(one, bytes) and b"PAR1" in one[:4]]


def test_no_artefact_times_a_cell(audit: Audit) -> None:
    """Stored and published cells have the declared columns and no other; a release has one time."""
    wanted = {audit.plans[name].declared.columns for name in MARTS}
    cells = stored(audit.project)
    with ledger_rows(audit.project) as tables:
        sizes = {name: len(rows) for name, _, rows in tables}

    assert len(cells) == len(MARTS) + 1
    assert {tuple(one.column_names) for one in cells} == wanted
    assert {tuple(audit.table(name).column_names) for name in MARTS} == wanted
    assert max(sizes.values()) < 3 * len(MARTS)


# what lies beside the release


def left_behind(audit: Audit) -> dict[str, bytes]:
    """All that a build leaves but the data itself: files as they lie there, messages, the ledger,
    the published tables and those of the marts' zone in the clear."""
    root = audit.project.root
    kept = {root / "data", root / "dbt_packages", root / "models"}
    found = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not kept & set(path.parents)
    }
    found["messages"] = audit.outcome.text.encode()
    with ledger_rows(audit.project) as tables:
        found["ledger"] = repr(tables).encode()
    found["cells"] = repr([one.to_pylist() for one in stored(audit.project)]).encode()
    found["published"] = repr([audit.table(name).to_pylist() for name in MARTS]).encode()
    with audit.project.connect(read_only=True) as conn:
        names = conn.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'marts'"
        ).fetchall()
        for schema, name in names:
            rows = conn.execute(f'select * from marts."{schema}"."{name}"').fetchall()
            found[f"zone {name}"] = repr(rows).encode()
    return found


def holds(text: bytes, *needles: bytes) -> bool:
    """Whether any of the needles is in there."""
    return any(needle in text for needle in needles)


def test_a_key_of_one_person_stands_nowhere(audit: Audit) -> None:
    """A private place that only one person is in: in no file, log, message, ledger or mart.

    The place of many is found in all of them that show places; the twin without a threshold names
    the one of one person too.
    """
    found = left_behind(audit)
    often = {name for name, text in found.items() if holds(text, b"often")}
    twin = values(audit.table("rare", NO_THRESHOLD), "place")

    assert [name for name, text in found.items() if holds(text, CANARY.encode())] == []
    assert {"cells", "published", "zone rare"} <= often
    assert CANARY in twin
    assert holds((audit.project.root / "data" / "rows.csv").read_bytes(), CANARY.encode())


def exactly(number: int) -> tuple[bytes, ...]:
    """A number as text, with separators, and as the bytes of a whole number or a double."""
    texts = (str(number), f"{number:,}", f"{number:_}", f"{number:e}")
    plain = (number.to_bytes(8, "little"), number.to_bytes(8, "big"))
    return (*(text.encode() for text in texts), *plain, np.float64(number).tobytes())


def test_no_exact_sum_stands_beside_the_noisy_one(audit: Audit) -> None:
    """A sum that noise does not hit: nowhere, as text or as binary number.

    The amount that it is made of stands in the YAML as an upper bound, and is found; so would the
    sum be in what has no noise.
    """
    needles = exactly(EXACT)
    found = left_behind(audit)
    public = {name for name, text in found.items() if holds(text, str(DOLLARS).encode())}

    assert [name for name, text in found.items() if holds(text, *needles)] == []
    assert "target/manifest.json" in public
    assert all(holds(b"..." + needle + b"...", *needles) for needle in needles)
    assert values(audit.table("rare")) != [EXACT]


EVENTS = Personal(
    name='"z"."main"."events"', columns=("person_key", "amount"), units=frozenset({"person_key"})
)
CLAMPED = {
    "the largest of all": 'least(amount, (select max(amount) from "z"."main"."events"))',
    "a quantile over all": "least(amount, quantile_cont(amount, 0.99) over ())",
    "a share of all": "amount / sum(amount) over ()",
}


def clamp(expression: str) -> list[object]:
    """Why a row query with that amount is not stable."""
    sql = f'select person_key, {expression} as amount from "z"."main"."events"'
    return list(check_stable(sql, [EVENTS], unit="person_key"))


def declares(upper: object) -> list[str]:
    """What is wrong with a mart of a sum with that upper bound."""
    metric = {"metric": "sum", "metric_column": "amount", "lower": 0, "resolution": 1}
    if upper is not None:
        metric["upper"] = upper
    made = described("totals", Mart(metrics={"n": metric}, meta={"epsilon": 1}))
    columns = {one["name"]: one for one in made["columns"]}
    raw = {**made, "columns": columns, "resource_type": "model", "unique_id": "model.audit.totals"}
    return problems(Node(raw), public_relation=False)


@pytest.mark.parametrize("name", CLAMPED)
def test_bounds_that_come_from_the_data_are_refused(name: str) -> None:
    """A clamp at what all people have is no stable query; one at a constant is. In the YAML a bound
    that is missing, or to be filled in by a query, is refused."""
    given, missing, queried = map(declares, (100, None, "{{ run_query('select 100') }}"))

    assert clamp(CLAMPED[name])
    assert not clamp("least(amount, 100)")
    assert not given
    assert "`upper`" in missing[0]
    assert "`upper`" in queried[0]
