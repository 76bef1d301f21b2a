"""A build with differential marts, killed at any moment: charge and cells stand, or neither."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator
from fractions import Fraction

import pytest

from demo_marts import CONFIG, COSTS, DAILY, MARTS, WAGES, YAML, drawn, kept, published
from harness import DbtProject
from ledger_support import events, ledger
from processes import Builds

pytestmark = pytest.mark.project

KILLS = int(os.environ.get("VEIL_KILLS", "12"))
"""More where somebody looks for a rare moment."""
DAYS = tuple(f"{DAILY}.2026-06-{day:02d}" for day in range(1, 6))
NAMES = sorted((COSTS, WAGES, *DAYS))


@pytest.fixture
def builds(project: DbtProject) -> Iterator[Builds]:
    running = Builds(project)
    yield running
    running.close()


def in_period(project: DbtProject, period: int) -> None:
    """Let every mart be drawn anew, once more."""
    text = (project.root / YAML).read_text()
    text = re.sub(r" *privacy_release_period: \d+\n", "", text)
    line = f"        privacy_release_period: {period}\n"
    project.write(YAML, text.replace("        privacy_unit:", f"{line}        privacy_unit:"))


def is_charged_as_it_stands(project: DbtProject) -> bool:
    """Whether record and ledger know the same charges, one for each release."""
    made = ledger(project.veil).releases()  # settles what the kill left
    noted = [one["release"] for one in events(project.veil, "ledger.charged")]
    names = [(one.draw.name, one.draw.period) for one in made]
    return noted == [name for name, _ in names] and len(set(names)) == len(names)


def test_killed_at_twelve_moments_nothing_is_charged_twice_or_drawn_again(
    project: DbtProject, builds: Builds
) -> None:
    """What was charged before the SIGKILL is what the next build gives, byte for byte."""
    moments = random.Random(20261124)
    project.replace(YAML, "to: 2026-06-14", "to: 2026-06-05")
    project.replace(CONFIG, "unit: visitor, epsilon: 6", "unit: visitor, epsilon: 1000")
    project.replace(CONFIG, "unit: person, rho: 1", "unit: person, rho: 1000")
    project.replace(CONFIG, "delta: 0.00001}", "delta: 0.001}")
    period, killed, cut = 2, 0, 0
    in_period(project, period)
    assert builds.run("parse") == 0
    started = time.monotonic()
    assert builds.run("run", "--select", *MARTS) == 0
    lasts = time.monotonic() - started
    before = drawn(project)
    for number in range(KILLS):
        if sum(one[1] == str(period) for one in before) == len(NAMES):
            period += 1
            in_period(project, period)
        moment = moments.uniform(0.15, 0.95) * lasts
        started = time.monotonic()
        was_killed = builds.run("run", "--select", *MARTS, kill_after=moment) == -9
        if was_killed:
            killed += 1
        else:  # the machine was busy when the first one was timed
            lasts = min(lasts, time.monotonic() - started)
        after = drawn(project)
        cut += 0 < len(after) - len(before) < len(NAMES)

        assert set(before) <= set(after), f"a release of before is another one after kill {number}"
        assert is_charged_as_it_stands(project)
        before = after

    assert builds.run("run", "--select", *MARTS) == 0
    after = drawn(project)
    assert set(before) <= set(after)
    assert sorted(name for name, own, _ in after if own == str(period)) == NAMES
    assert is_charged_as_it_stands(project)
    assert published(project, DAILY) == kept(project, *DAYS, period=str(period))
    assert published(project, COSTS) == kept(project, COSTS, period=str(period))
    assert killed, "none was hit before its end"
    assert cut or KILLS < 12, "no kill fell between two releases"
    charged = sum(
        (
            Fraction(one["epsilon"])
            for one in events(project.veil, "ledger.charged")
            if "epsilon" in one
        ),
        Fraction(0),
    )
    (visitors,) = (one for one in ledger(project.veil).spent() if one.declared.name == "visitors")
    assert visitors.lifetime.loss == charged
