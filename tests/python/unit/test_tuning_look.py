"""A private look: one person moves each histogram by one, and its charge is exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from releases_support import COUNT, MEAN, PARTITIONS, SUM, UNITS, column, declared, mart

from veil.differential.measures import Measure
from veil.differential.ranks import Ranking
from veil.errors import UsageError, VeilError
from veil.releases.declared import Declared
from veil.tuning.grids import Grids
from veil.tuning.look import CONTRIBUTIONS, plan_look
from veil.warehouse.contributions import Query
from veil.warehouse.look import count_public, people_by_bin

KEY = bytes(range(32))
REGION = column("region", "varchar")
Row = tuple[str | None, str, float | None]
RELEASE = declared(mart(REGION, SUM, MEAN, public_partitions={"region": ["a", "b", "c", "d"]}))
GRIDS = Grids.of(RELEASE, cells=4)
CELLS = pa.table({"region": ["a", "b", "c", "d"]})


def query(release: Declared = RELEASE, *, cells: pa.Table | None = CELLS) -> Query:
    return Query(
        sql="select * from visits",
        unit="contributions.visitor_key",
        keys=("region",),
        parts=(),
        bounds=release.bounds,
        cells=cells,
    )


def look(
    rows: Sequence[Row], *, grids: Grids = GRIDS, cells: pa.Table | None = CELLS, release: str = "x"
) -> dict[str, np.ndarray]:
    """People by bin, from rows of person, region and cost."""
    with duckdb.connect() as conn:
        _fill(conn, rows)
        return people_by_bin(conn, query(cells=cells), grids, Ranking(KEY, release))


def _fill(conn: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    conn.register("given", pa.table({
        "visitor_key": pa.array([one for one, _, _ in rows], pa.string()),
        "region": pa.array([one for _, one, _ in rows], pa.string()),
        "cost": pa.array([one for _, _, one in rows], pa.float64()),
    }))  # fmt: skip
    conn.execute("create table visits as select * from given")


def moved(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> list[int]:
    """By how much each histogram differs, in the L1 norm."""
    return [int(np.abs(before[name] - after[name]).sum()) for name in before]


OTHERS: list[Row] = [(f"p{at % 7}", "abcd"[at * at % 4], float(at * 37 % 480)) for at in range(60)]


def test_every_person_is_seen_once() -> None:
    """Each histogram holds as many people as there are."""
    found = look(OTHERS)

    assert {name: int(one.sum()) for name, one in found.items()} == {
        CONTRIBUTIONS: 7,
        "values.cost_sum": 7,
    }


def test_a_person_with_ten_thousand_rows_everywhere_moves_each_histogram_by_one() -> None:
    """However much a person has, one bin of each histogram has one person more."""
    heavy: list[Row] = [("q", "abcd"[at % 4], float(at % 499)) for at in range(10_000)]

    assert moved(look(OTHERS), look([*OTHERS, *heavy])) == [1, 1]


def test_the_same_person_moves_an_unbounded_count_by_far_more() -> None:
    """The twin without bounding would be caught."""
    heavy: list[Row] = [("q", "abcd"[at % 4], float(at % 499)) for at in range(10_000)]
    counts = []
    for rows in (OTHERS, [*OTHERS, *heavy]):
        with duckdb.connect() as conn:
            _fill(conn, rows)
            _people, pairs, values = count_public(conn, query(), GRIDS)
        counts.append({CONTRIBUTIONS: pairs, **values})

    assert min(moved(*counts)) >= 4


persons = st.lists(
    st.tuples(
        st.sampled_from("pqrstu"),
        st.sampled_from("abcde"),
        st.one_of(st.none(), st.just(math.nan), st.floats(-50, 700)),
    ),
    max_size=40,
)


@settings(max_examples=15, deadline=None)
@given(rows=persons, gone=st.sampled_from("pqrstu"))
def test_without_one_person_each_histogram_changes_by_one_at_most(
    rows: list[Row], gone: str
) -> None:
    """Whoever is taken out, with all rows; others keep the row that they were seen in."""
    rest = [row for row in rows if row[0] != gone]

    assert max(moved(look(rows), look(rest))) <= 1


def test_order_of_rows_changes_nothing() -> None:
    """What is seen depends on what the rows hold."""
    assert moved(look(OTHERS), look(OTHERS[::-1])) == [0, 0]


def test_another_look_sees_other_rows() -> None:
    """Which row of a person is seen depends on the look."""
    rows: list[Row] = [(f"p{at}", "a", float(10 ** (cost + 1) / 10)) for at in range(200)
                       for cost in range(3)]  # fmt: skip

    assert moved(look(rows), look(rows, release="y"))[1] > 0


def test_each_row_is_as_likely_to_be_seen() -> None:
    """Of nine equal rows and another one the other is seen by a tenth of 3,000 people.

    The share lies within 5.5 standard errors with a probability above 1 - 4e-8. Without numbers for
    equal rows it would be a half.
    """
    rows: list[Row] = [(f"p{at}", "a", 5.0 if one else 400.0) for at in range(3000)
                       for one in range(10)]  # fmt: skip
    found = look(rows)["values.cost_sum"]
    high = int(found[-3:].sum())

    assert int(found.sum()) == 3000
    assert abs(high - 300) < 5.5 * math.sqrt(3000 * 0.1 * 0.9)


def test_groups_and_rows_of_a_person_stand_in_one_bin() -> None:
    """Three groups with two rows each are the third bin of groups and the second of rows."""
    rows: list[Row] = [("p", region, 1.0) for region in "abc" for _ in range(2)]
    found = look(rows)[CONTRIBUTIONS].reshape(GRIDS.groups.bins, GRIDS.rows.bins)

    assert np.argwhere(found).tolist() == [[2, 1]]


def test_rows_outside_of_the_public_cells_do_not_count() -> None:
    """A person with rows elsewhere alone is not there."""
    assert [int(one.sum()) for one in look([("p", "elsewhere", 1.0)]).values()] == [0, 0]


def test_private_cells_are_those_that_occur() -> None:
    """Without a list every group counts."""
    rows: list[Row] = [("p", region, 1.0) for region in "wxyz"]
    found = look(rows, cells=None, grids=Grids.of(RELEASE, cells=None))[CONTRIBUTIONS]

    assert int(found.argmax()) // 11 == 3


def test_values_that_are_none_are_dropped_and_never_the_largest() -> None:
    """NULL, NaN and infinity are in no bin; what lies beyond the bounds is in the last one."""
    rows: list[Row] = [("p", "a", None), ("q", "a", math.nan), ("r", "a", math.inf)]
    found = look(rows)

    assert int(found["values.cost_sum"].sum()) == 0
    assert int(look([("p", "a", 1e12)])["values.cost_sum"][-1]) == 1


@pytest.mark.parametrize("value, side", [(3.0, 0), (-3.0, 1), (-1e9, 1)])
def test_signs_have_bins_of_their_own(value: float, side: int) -> None:
    """Bounds on both sides of 0 make bins on both."""
    grids = Grids.of(RELEASE, cells=4, outer={"cost": ("-1000", "1000")})
    found = look([("p", "a", value)], grids=grids)["values.cost_sum"]
    length = len(grids.values[0].ends)

    assert int(found.argmax()) // length == side


def test_a_person_without_a_key_is_refused() -> None:
    """Nobody can bound what such a row adds, here as in a release."""
    with pytest.raises(VeilError, match="no privacy unit"):
        look([(None, "a", 1.0)])


def test_a_column_of_no_numbers_is_refused_by_name() -> None:
    """The message names metric and column, and no value."""
    with duckdb.connect() as conn:
        conn.execute(
            "create table visits as select 'p' as visitor_key, 'a' as region, 'SECRET' as cost"
        )
        with pytest.raises(VeilError, match="`cost` holds none") as caught:
            people_by_bin(conn, query(), GRIDS, Ranking(KEY, "x"))

    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("loss", ["0.1", "1/3", "0.004"])
@pytest.mark.parametrize("kind", ["laplace", "gaussian"])
def test_charges_of_a_look_are_at_most_its_loss(loss: str, kind: str) -> None:
    """All histograms together cost what was asked, or less by a float's last digit."""
    more: dict[str, Any] = {}
    if kind == "gaussian":
        more = {"noise_kind": "gaussian", "epsilon": None, "rho": 1}
    release = declared(mart(REGION, SUM, UNITS, delta="1e-6", **more))
    made = plan_look(release, Grids.of(release, cells=None), cells=4, loss=Fraction(loss))
    total = sum((charge.loss for _, charge in made.charges), Fraction(0))

    assert [name for name, _ in made.charges] == [CONTRIBUTIONS, "values.cost_sum"]
    assert Fraction(loss) * Fraction("0.9999999") < total <= Fraction(loss)
    assert made.charges[0][1].measure is (Measure.RHO if more else Measure.EPSILON)


def test_laplace_noise_of_a_look_is_one_over_each_share() -> None:
    """A person counts 1 in one bin of a histogram: scale 1 / (0.1 / 2) for two of them."""
    made = plan_look(RELEASE, GRIDS, cells=4, loss=Fraction(1, 10))

    assert made.noise.scale == pytest.approx(20)


def test_a_look_without_values_has_one_histogram() -> None:
    """Where nothing is clamped, all of the loss goes to the contributions."""
    release = declared(mart(REGION, COUNT, public_partitions={"region": ["a"]}))
    made = plan_look(release, Grids.of(release, cells=1), cells=1, loss=Fraction(1, 10))

    assert made.noise.scale == pytest.approx(10)


def test_what_is_drawn_is_what_is_read() -> None:
    """The noisy table comes back as the shape that its numbers say."""
    made = plan_look(RELEASE, GRIDS, cells=4, loss=Fraction(100))
    counts = {CONTRIBUTIONS: np.zeros(GRIDS.pairs, dtype=np.int64)}
    counts["values.cost_sum"] = np.zeros(GRIDS.values[0].bins, dtype=np.int64)
    counts[CONTRIBUTIONS][3 * GRIDS.rows.bins + 1] = 500
    counts["values.cost_sum"][20] = 250

    shape = made.shape(made.draw(counts))

    assert shape.people == pytest.approx(500, abs=1)
    assert shape.all_pairs / shape.people == pytest.approx(4, abs=0.1)
    assert shape.all_rows / shape.all_pairs == pytest.approx(2, abs=0.1)
    assert shape.values["values.cost_sum"].share == pytest.approx(0.5, abs=0.01)


def test_noise_that_hides_everybody_is_said() -> None:
    """Of nobody's rows nothing is proposed, and the charge is not hidden."""
    made = plan_look(RELEASE, GRIDS, cells=4, loss=Fraction(1, 100))
    nobody = pa.table({
        "histogram": [CONTRIBUTIONS] * GRIDS.pairs + ["values.cost_sum"] * GRIDS.values[0].bins,
        "bin": [*range(GRIDS.pairs), *range(GRIDS.values[0].bins)],
        "people": np.zeros(GRIDS.pairs + GRIDS.values[0].bins, dtype=np.int64),
    })  # fmt: skip

    with pytest.raises(VeilError, match="stays charged"):
        made.shape(nobody)


def test_ends_of_bins_are_round_numbers_on_the_grid() -> None:
    """Each end can be a bound, and the last one is the outer bound."""
    (values,) = GRIDS.values
    steps = [end / values.clamp.resolution for end in values.ends]

    assert all(step.denominator == 1 for step in steps)
    assert values.ends[-1] == 500
    assert {Fraction(100), Fraction(120), Fraction(150)} <= set(values.ends)
    assert all(values.clamp_at(end) is not None for end in values.ends)


def test_bounds_under_a_default_are_none() -> None:
    """A row without a value must still count as what was declared."""
    metric = {**SUM[0]["config"]["meta"], "default_value": 100}
    columns = [column("cost_sum", "decimal(38,2)", **metric), *SUM[1:]]
    release = declared(mart(REGION, columns, public_partitions={"region": ["a"]}))
    (values,) = Grids.of(release, cells=1).values

    assert values.clamp_at(Fraction(100)) is None
    assert values.clamp_at(Fraction(120)) is not None


def test_outer_bounds_of_an_unknown_column_are_refused() -> None:
    """A slip of the finger does not pass for wider bounds."""
    with pytest.raises(UsageError, match="no bounds are tuned"):
        Grids.of(RELEASE, cells=4, outer={"costs": (0, 1000)})


def test_the_definition_of_a_look_follows_its_bins_and_loss_and_no_data() -> None:
    """Other outer bounds or another loss are another look; another upper bound of L0 is not."""

    def parameters(release: Declared, loss: str = "0.1") -> object:
        grids = Grids.of(release, cells=28)
        return plan_look(release, grids, cells=28, loss=Fraction(loss)).parameters(release)

    whole = {"public_partitions": PARTITIONS}
    day = column("day", "date")
    one = declared(mart(REGION, day, SUM, **whole))
    wider = declared(mart(REGION, day, SUM, **whole, max_partitions_contributed=9))

    assert parameters(one) == parameters(wider)
    assert parameters(one) != parameters(one, "0.2")
