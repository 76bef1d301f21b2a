"""Noise over integers: the right distribution, fresh in every place, from the operating system.

Statistical tests name their false-alarm probability. A twin shows that each catches what it is for.
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import veil
from statistical_support import (
    clopper_pearson,
    follows,
    gaussian_chances,
    is_binomial,
    laplace_chances,
)
from veil.differential import noise as module
from veil.differential.noise import (
    LARGEST_SCALE,
    LARGEST_VALUE,
    SMALLEST_SCALE,
    Noise,
    NoiseKind,
    add_noise,
)
from veil.errors import VeilError

LAPLACE, GAUSSIAN = NoiseKind.LAPLACE, NoiseKind.GAUSSIAN
KINDS = [LAPLACE, GAUSSIAN]
CHANCES = {LAPLACE: laplace_chances, GAUSSIAN: gaussian_chances}
# So wide that two independent draws of it agree with probability below 5e-13.
WIDE = 1e12


def draw(count: int, *, kind: NoiseKind, scale: float) -> np.ndarray:
    """Noise alone, on cells that are all zero."""
    zeros = np.zeros(count, dtype=np.int64)
    return add_noise([(zeros, Noise(kind, scale))])[0].values


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_is_as_frequent_as_the_distribution_says(kind: NoiseKind) -> None:
    """Each bin within exact binomial tails. False alarm 1e-7; a scale 10 % off is caught."""
    chances = CHANCES[kind]

    assert follows(draw(40_000, kind=kind, scale=3.0), chances(3.0, largest=9), alarm=1e-7)
    assert not follows(draw(40_000, kind=kind, scale=3.3), chances(3.0, largest=9), alarm=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_mean_absolute_noise_and_variance_on_empty_cells_are_the_declared_ones(
    kind: NoiseKind,
) -> None:
    """All-zero cells, 7 standard errors from the moments of the distribution.

    False alarm below 1e-9 (normal approximation, 30,000 draws). The twin draws with sensitivity 1
    where the declared bounds make it 2.
    """

    def right(draws: np.ndarray, scale: float) -> bool:
        chances = CHANCES[kind](scale, largest=1500)
        moments = {
            power: math.fsum(abs(k) ** power * chance for k, chance in chances.items())
            for power in (1, 2, 4)
        }
        sizes = np.abs(draws).astype(float)
        return all(
            abs(np.mean(sizes**power) - moments[power])
            < 7 * math.sqrt((moments[2 * power] - moments[power] ** 2) / len(draws))
            for power in (1, 2)
        )

    assert right(draw(30_000, kind=kind, scale=20.0), 20.0)
    assert not right(draw(30_000, kind=kind, scale=10.0), 20.0)


def agree(first: np.ndarray, second: np.ndarray) -> bool:
    """Two columns that share draws, wholly or up to their size.

    False alarm below 1e-7 for independent wide noise: equal sizes have probability 1e-12 a pair;
    the signs agree as often as a fair coin falls.
    """
    fair = is_binomial(
        int((np.sign(first) == np.sign(second)).sum()), trials=len(first), chance=0.5, alarm=1e-8
    )
    return bool((np.abs(first) == np.abs(second)).any()) or not fair


@pytest.mark.parametrize("kind", KINDS)
def test_cells_columns_and_calls_share_no_draw(kind: NoiseKind) -> None:
    """One cell and the next, one metric and another, one call and the next: all independent."""
    zeros, wide = np.zeros(3000, dtype=np.int64), Noise(kind, WIDE)
    columns = [one.values for one in add_noise([(zeros, wide), (zeros, wide)])]
    again = add_noise([(zeros, wide)])[0].values

    assert not agree(columns[0][1:], columns[0][:-1])
    assert not agree(columns[0], columns[1])
    assert not agree(columns[0], again)


def test_shared_draws_would_be_noticed() -> None:
    """Twins: one draw for all cells, one for two columns, a mirrored one, a scaled one."""
    once = draw(3000, kind=LAPLACE, scale=WIDE)

    assert agree(np.full(2999, once[0]), np.full(2999, once[0]))
    assert agree(once, once)
    assert agree(once, -once)
    assert agree(once, 3 * once)


def test_different_scales_in_one_release_are_each_followed() -> None:
    """Every part gets its own noise, in its own place. False alarm 4e-7."""
    zeros = np.zeros(15_000, dtype=np.int64)
    wanted = [Noise(LAPLACE, 2.0), Noise(GAUSSIAN, 2.0), Noise(LAPLACE, 5.0), Noise(LAPLACE, 2.0)]
    found = add_noise([(zeros + 1000 * at, noise) for at, noise in enumerate(wanted)])

    assert [one.noise for one in found] == wanted
    for at, one in enumerate(found):
        chances = CHANCES[one.noise.kind](one.noise.scale, largest=6)
        assert follows(one.values - 1000 * at, chances, alarm=1e-7)


def test_parts_of_one_noise_share_one_vector_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few calls as there are scales, so that no cell is timed alone."""
    calls = []
    release = module._release
    monkeypatch.setattr(
        module,
        "_release",
        lambda values, *, noise: (
            calls.append((noise.scale, len(values))) or release(values, noise=noise)
        ),
    )
    cells = np.zeros(5, dtype=np.int64)
    nodes = np.zeros((5, 4), dtype=np.int64)
    first, second = Noise(LAPLACE, 2.0), Noise(LAPLACE, 3.0)
    found = add_noise([(cells, first), (cells, second), (nodes, first)])

    assert calls == [(2.0, 25), (3.0, 5)]
    assert [one.values.shape for one in found] == [(5,), (5,), (5, 4)]


@pytest.mark.parametrize("kind", KINDS)
def test_values_beyond_32_bits_keep_their_place(kind: NoiseKind) -> None:
    """OpenDP's default integer is 32 bits wide and saturates. False alarm below 1e-30."""
    found = add_noise(
        [(np.array([LARGEST_VALUE, -LARGEST_VALUE], dtype=np.int64), Noise(kind, 1e6))]
    )[0].values

    assert abs(int(found[0]) - LARGEST_VALUE) < 10**8
    assert abs(int(found[1]) + LARGEST_VALUE) < 10**8
    assert np.abs(draw(20, kind=kind, scale=WIDE)).max() > 2**32


def test_no_cells_need_no_noise() -> None:
    """An empty mart is released empty, in its shape."""
    found = add_noise([(np.zeros((0, 3), dtype=np.int64), Noise(LAPLACE, 1.0))])[0]

    assert found.values.shape == (0, 3)
    assert found.values.dtype == np.int64
    assert add_noise([]) == []


def test_what_went_in_is_left_as_it_was() -> None:
    """The caller's array is not written to."""
    cells = np.arange(50, dtype=np.int64)
    add_noise([(cells, Noise(LAPLACE, WIDE))])

    assert cells.tolist() == list(range(50))


def test_the_scale_that_was_drawn_with_is_charged() -> None:
    """0.1 as the float that OpenDP got, not as the decimal."""
    assert Noise(LAPLACE, 0.1).exact_scale == Fraction(3602879701896397, 36028797018963968)


@pytest.mark.parametrize(
    "scale",
    [0.0, -1.0, math.nan, math.inf, -math.inf, 5, True, "1", SMALLEST_SCALE / 2, 2 * LARGEST_SCALE],
)
def test_a_scale_that_is_none_is_refused(scale: object) -> None:
    """Zero noise, no number, an integer that a float may not hold, or out of range."""
    with pytest.raises(VeilError, match="`scale`"):
        Noise(LAPLACE, scale)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [LARGEST_VALUE + 1, -LARGEST_VALUE - 1, 2**63 - 1, -(2**63)])
def test_an_overflow_is_refused_before_anything_is_drawn(
    value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when another part is fine; the message says no number from the data."""
    monkeypatch.setattr(module, "_release", lambda *_, **__: pytest.fail("drew"))
    fine, large = np.zeros(3, dtype=np.int64), np.array([0, value], dtype=np.int64)
    with pytest.raises(VeilError, match="64 bits") as caught:
        add_noise([(fine, Noise(LAPLACE, 1.0)), (large, Noise(LAPLACE, 2.0))])

    assert str(abs(value)) not in str(caught.value)


def test_floats_are_refused() -> None:
    """Noise on floats shows in their low bits."""
    with pytest.raises(VeilError, match="int64"):
        add_noise([(np.zeros(2), Noise(LAPLACE, 1.0))])  # type: ignore[list-item]


def test_no_seed_of_the_process_repeats_a_draw() -> None:
    """`random.seed` and NumPy's seed before each draw. False alarm below 1e-11."""
    found = []
    for _ in range(2):
        random.seed(1)
        np.random.seed(1)
        found.append(draw(3, kind=LAPLACE, scale=WIDE).tolist())

    assert not set(found[0]) & set(found[1])


PROCESS = """
import os, random, sys
import numpy as np
random.seed(1); np.random.seed(1)
from veil.differential.noise import Noise, NoiseKind, add_noise
def draw():
    zeros = np.zeros(2, dtype=np.int64)
    found = add_noise([(zeros, Noise(NoiseKind(sys.argv[1]), 1e12))])[0].values
    print(*found.tolist(), flush=True)
draw()
for _ in range(2):
    child = os.fork()
    if not child:
        draw()
        os._exit(0)
    os.waitpid(child, 0)
draw()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_and_their_forks_draw_apart(kind: NoiseKind) -> None:
    """Equal seeds, equal hash seeds, a fork after the first draw. False alarm below 1e-9."""
    found: list[str] = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROCESS, kind.value],
            env={"PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(veil.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        )
        found += done.stdout.split()

    assert len(found) == 2 * 4 * 2
    assert len(set(found)) == len(found)


def test_nothing_else_in_the_project_draws_noise() -> None:
    """OpenDP is imported by `noise.py` alone; no module here imports another source of chance."""
    package = Path(veil.__file__).parent
    drawing = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "import opendp" in (text := path.read_text(encoding="utf-8")) or "from opendp" in text
    ]
    chance = [
        path.name
        for path in (package / "differential").glob("*.py")
        for word in ("import random", "import secrets", "np.random", "urandom")
        if word in path.read_text(encoding="utf-8")
    ]

    assert drawing == ["differential/noise.py"]
    assert chance == []


def least_epsilon(near: np.ndarray, far: np.ndarray) -> float:
    """The epsilon that two samples prove: log of a frequency's lower over another's upper bound.

    Four events (at or above a cut, below it), Clopper and Pearson at 1e-9: wrong with probability
    below 1e-8.
    """
    found = 0.0
    for cut in (0, 1):
        for one, other in ((near >= cut, far >= cut), (far < cut, near < cut)):
            low, _ = clopper_pearson(int(one.sum()), trials=len(one), alarm=1e-9)
            _, high = clopper_pearson(int(other.sum()), trials=len(other), alarm=1e-9)
            found = max(found, math.log(low / high))
    return found


def test_the_audit_of_laplace_finds_no_more_than_the_declared_epsilon() -> None:
    """Neighbouring cells 0 and 1 at epsilon 1. False alarm below 1e-7; half the scale is caught."""
    ones = np.ones(50_000, dtype=np.int64)

    def audit(scale: float) -> float:
        near = add_noise([(ones, Noise(LAPLACE, scale))])[0].values
        return least_epsilon(near, draw(50_000, kind=LAPLACE, scale=scale))

    assert 0.85 < audit(1.0) <= 1.0
    assert audit(0.5) > 1.5


def test_the_audit_of_gaussian_finds_no_more_than_the_declared_rho() -> None:
    """Cells 0 and 1 at sigma 1 (rho 1/2): the excess over exp(epsilon) stays below its delta.

    For epsilon 1, delta is the distribution's own hockey stick. False alarm below 1e-7; half the
    scale (four times rho) is caught.
    """
    chances = gaussian_chances(1.0, largest=40)
    epsilon = 1.0
    delta = math.fsum(
        max(0.0, chances[k - 1] - math.exp(epsilon) * chances[k]) for k in range(-39, 41)
    )

    def excess(sigma: float) -> float:
        near = add_noise([(np.ones(40_000, dtype=np.int64), Noise(GAUSSIAN, sigma))])[0].values
        far = draw(40_000, kind=GAUSSIAN, scale=sigma)
        found = []
        for cut in (1, 2):
            low, _ = clopper_pearson(int((near >= cut).sum()), trials=40_000, alarm=1e-8)
            _, high = clopper_pearson(int((far >= cut).sum()), trials=40_000, alarm=1e-8)
            found.append(low - math.exp(epsilon) * high)
        return max(found)

    assert 0 < excess(1.0) <= delta
    assert excess(0.5) > 2 * delta
