"""Write the clinic's data: fictitious people, the same bytes on every run.

    python make_data.py [FOLDER]

Writes `data/patients.csv`, `data/visits.csv` and `data/lab_results.csv` below FOLDER (default: this
folder). Phone numbers are 555-01xx, addresses end in `example.org`.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

PATIENTS, VISITS, RESULTS = 400, 600, 300
GIVEN = ("Ada", "Bo", "Cleo", "Dov", "Eir", "Femi", "Gus", "Hana", "Ines", "Jun", "Kofi", "Lior")
FAMILY = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Juniper", "Larch", "Maple", "Rowan")
ZIPS = ("60601", "60614", "60657", "61701", "62704", "82101")
WARDS = ("Cardiology", "Emergency", "Neurology", "Orthopedics")
DIAGNOSES = ("I10", "I21", "J18", "J45", "M17", "M54", "E11", "S52")
ANALYTES = ("glucose", "ferritin", "sodium")

Row = tuple[object, ...]


def patients(draw: random.Random) -> Iterator[Row]:
    yield "chart_no", "given_name", "surname", "born_on", "sex", "zip", "e_mail", "phone"
    for number in range(PATIENTS):
        given, family = draw.choice(GIVEN), draw.choice(FAMILY)
        born = date(1930, 1, 1) + timedelta(days=draw.randrange(32_000))
        mail = f"{given}.{family}{number}@mail{draw.randrange(3)}.example.org".lower()
        phone = f"312-555-{100 + number % 100:04d}"
        sex = draw.choice("FM")
        yield f"LC-{number:05d}", given, family, born, sex, draw.choice(ZIPS), mail, phone


def visits(draw: random.Random) -> Iterator[Row]:
    yield "visit_no", "chart_no", "arrived_at", "age", "ward", "diagnosis", "cost_usd"
    for number in range(VISITS):
        arrived = datetime(2024, 1, 1) + timedelta(minutes=draw.randrange(1_000_000))
        chart = f"LC-{draw.randrange(PATIENTS):05d}"
        ward, diagnosis = draw.choice(WARDS), draw.choice(DIAGNOSES)
        cost = draw.randrange(80, 9_000)
        yield f"V{number:06d}", chart, arrived, draw.randrange(1, 97), ward, diagnosis, cost


def lab_results(draw: random.Random) -> Iterator[Row]:
    yield "sample_no", "chart_no", "drawn_on", "age", "zip", "analyte", "result"
    for number in range(RESULTS):
        drawn = date(2024, 1, 1) + timedelta(days=draw.randrange(700))
        chart = f"LC-{draw.randrange(PATIENTS):05d}"
        age, area = draw.randrange(1, 97), draw.choice(ZIPS)
        result = draw.randrange(400, 20_000) / 100
        yield f"S{number:06d}", chart, drawn, age, area, draw.choice(ANALYTES), f"{result:.2f}"


def write(folder: Path) -> None:
    files = {
        "data/patients.csv": patients,
        "data/visits.csv": visits,
        "data/lab_results.csv": lab_results,
    }
    for place, (name, rows) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows(random.Random(place)))  # noqa: S311


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
