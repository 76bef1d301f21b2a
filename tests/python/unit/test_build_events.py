"""The daily events that ship: how the script makes them, and what the marts need to find there."""

from __future__ import annotations

import csv
import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SEEDS = ROOT / "seeds"
sys.path.insert(0, str(ROOT / "scripts"))


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("build_events", ROOT / "scripts/build_events.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


events = load_script()
Visit = dict[str, str]


@pytest.fixture(scope="module")
def visits() -> list[Visit]:
    with (SEEDS / "seed_visits.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the seeds that ship."""
    shutil.copytree(SEEDS, tmp_path / "seeds")
    return tmp_path / "seeds"


def check(out: Path) -> int:
    return events.main(["--out", str(out), "--check"])


# ---- the script


def test_the_shipped_events_are_those_of_the_script() -> None:
    """They need no wheel, so every test run, under every Python, makes them anew."""
    assert check(SEEDS) == 0


def test_draws_are_the_published_hash() -> None:
    """`printf 'veil.events:1:1' | sha256sum`, and the second: no generator of Python takes part."""
    draw = events.Draw(1)

    assert draw.below(2**64) == 0x44AE98439D65C726
    assert draw.below(2**64) == 0xC2D119352731B804


def test_a_rebuild_keeps_what_is_pinned_for_the_other_seeds(seeds: Path) -> None:
    """Both scripts write one file of checksums; the events change their own lines alone."""
    before = {path.name: path.read_bytes() for path in seeds.iterdir()}
    for name in events.event_files():
        (seeds / name).unlink()

    assert events.main(["--out", str(seeds)]) == 0
    assert {path.name: path.read_bytes() for path in seeds.iterdir()} == before


def test_the_script_starts_in_an_empty_folder(tmp_path: Path) -> None:
    """Run by itself it writes its seeds and their checksums, and finds them unchanged."""
    command = [
        sys.executable,
        str(ROOT / "scripts/build_events.py"),
        "--out",
        str(tmp_path / "new"),
    ]
    environment = {"PYTHONPATH": str(ROOT / "python_udfs")}
    made = subprocess.run(command, env=environment, capture_output=True)

    assert made.returncode == 0, made.stderr
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        *events.event_files(),
        "CHECKSUMS.sha256",
    }
    assert check(tmp_path / "new") == 0


@pytest.mark.parametrize("damage", ["change", "remove", "add", "pin"])
def test_check_names_the_file_that_differs(
    seeds: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    """One changed byte, a missing file, one that nobody pinned, another checksum: exit code 1."""
    names = {"add": "seed_stray.csv", "pin": "CHECKSUMS.sha256"}
    victim = seeds / names.get(damage, "seed_visits.csv")
    if damage == "remove":
        victim.unlink()
    elif damage == "pin":
        text = victim.read_text(encoding="utf-8")
        victim.write_text(re.sub(r"\S+(?=  seed_visits)", "0" * 64, text), encoding="utf-8")
    else:
        victim.write_bytes((victim.read_bytes() if victim.exists() else b"") + b"x")

    assert check(seeds) == 1
    assert capsys.readouterr().err == f"veil: {victim.name} differs from a rebuild.\n"


def test_a_broken_list_of_checksums_is_refused_in_one_line(
    seeds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, the way out, and no file is touched."""
    (seeds / "CHECKSUMS.sha256").write_text("no checksum\n", encoding="utf-8")
    (seeds / "seed_visits.csv").unlink()
    code = events.main(["--out", str(seeds)])
    error = capsys.readouterr().err

    assert code == 3
    assert error.startswith("veil: ")
    assert error.count("\n") == 1
    assert "Build every seed again" in error
    assert not (seeds / "seed_visits.csv").exists()


# ---- the visits


def days_by_person(visits: list[Visit]) -> dict[str, set[str]]:
    days: dict[str, set[str]] = {}
    for visit in visits:
        days.setdefault(visit["person_id"], set()).add(visit["visited_at"][:10])
    return days


def test_values_have_the_shapes_that_the_raw_model_casts(visits: list[Visit]) -> None:
    """Times, lengths and costs are well formed, so a cast cannot fail."""
    shapes = {
        "visit_id": r"V-\d{6}",
        "person_id": r"C-\d{6}",
        "visited_at": r"2026-06-(0[1-9]|1[0-4]) (0[7-9]|1[0-8]):[0-5]\d",
        "minutes": r"|[1-9]\d{0,2}",
        "cost": r"|[1-9]\d{1,2}\.\d\d",
    }
    wrong = [
        column
        for visit in visits
        for column, shape in shapes.items()
        if not re.fullmatch(shape, visit[column])
    ]

    assert wrong == []
    assert len({visit["visit_id"] for visit in visits}) == len(visits)


def test_the_fortnight_has_the_size_of_a_demo(visits: list[Visit]) -> None:
    """About 9,000 visits of 1,500 people to 8 regions, all 14 days, 6 services."""
    services = {one.service for one in events.TREATMENTS}

    assert 8_500 < len(visits) < 9_500
    assert len(days_by_person(visits)) == 1_500
    assert {visit["treatment"] for visit in visits} == {one.name for one in events.TREATMENTS}
    assert len({visit["region"] for visit in visits}) == 8
    assert len({visit["visited_at"][:10] for visit in visits}) == 14
    assert len(services) == 6
    assert set(events.SERVICE_GROUPS) == services


def test_exactly_one_person_comes_on_every_day(visits: list[Visit]) -> None:
    """The case on which the charge of a daily series is measured; a few others come near it."""
    present = Counter(len(days) for days in days_by_person(visits).values())

    assert present[14] == 1
    assert sum(count for days, count in present.items() if 12 <= days < 14) > 10


def test_most_people_come_once_and_a_few_very_often(visits: list[Visit]) -> None:
    """A long tail: without bounds a few people would carry the totals."""
    counts = sorted(Counter(visit["person_id"] for visit in visits).values(), reverse=True)

    assert sum(count == 1 for count in counts) > 0.5 * len(counts)
    assert sum(counts[: len(counts) // 10]) > 0.4 * len(visits)
    assert max(Counter((v["person_id"], v["visited_at"][:10]) for v in visits).values()) > 4


def test_costs_have_a_long_tail_and_gaps(visits: list[Visit]) -> None:
    """Clamping has something to cut, and NULL something to stand for."""
    costs = sorted(float(visit["cost"]) for visit in visits if visit["cost"])

    assert costs[len(costs) // 2] < 60
    assert 800 < costs[-1] < 901
    assert 0.03 < 1 - len(costs) / len(visits) < 0.1
    assert 0.02 < sum(not visit["minutes"] for visit in visits) / len(visits) < 0.06


def test_some_cells_are_empty_and_some_are_small(visits: list[Visit]) -> None:
    """By day, region and service: public partitions have to show zeros."""
    service = {one.name: one.service for one in events.TREATMENTS}
    people: dict[tuple[str, str, str], set[str]] = {}
    for visit in visits:
        cell = (visit["visited_at"][:10], visit["region"], service[visit["treatment"]])
        people.setdefault(cell, set()).add(visit["person_id"])

    assert len(people) < 14 * 8 * 6
    assert min(map(len, people.values())) == 1
    assert max(map(len, people.values())) > 50


def test_nobody_can_be_found_by_the_number_of_another_table(visits: list[Visit]) -> None:
    """The numbers of the clinic cards are a numbering of their own."""
    numbers = {visit["person_id"] for visit in visits}
    elsewhere = "".join(
        path.read_text(encoding="utf-8")
        for path in SEEDS.glob("seed_*.csv")
        if path.name != "seed_visits.csv"
    )

    assert len(numbers) == 1_500
    assert not [number for number in numbers if number in elsewhere]
