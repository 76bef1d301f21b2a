"""Reads the `NAME = value` files of the `cryptography_vectors` package (RFC and NIST formats)."""

from __future__ import annotations

import cryptography_vectors


def read_cases(filename: str) -> list[dict[str, str]]:
    """Return one dictionary a case: its own fields and those of the `[section]` it stands in.

    Field names are lower case. A line without `=`, such as NIST's `FAIL`, becomes a field "true".
    A case begins at the first field that it already has, or at `Count`.
    """
    with cryptography_vectors.open_vector_file(filename, "r") as file:
        lines = [line.strip() for line in file]
    cases: list[dict[str, str]] = []
    section: dict[str, str] = {}
    case: dict[str, str] = {}
    for line in lines:
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            name, _, value = line.strip("[]").partition("=")
            section = {**section, name.strip().lower(): value.strip()}
            continue
        name, equals, value = line.partition("=")
        name = name.strip().lower()
        if name in case or name == "count":
            cases.append(case)
            case = {}
        case = {**section, **case, name: value.strip() if equals else "true"}
    cases.append(case)
    return [found for found in cases if found]
