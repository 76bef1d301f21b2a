"""The compiled masks, once per worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import new_project
from mask_cases import Masks, add_cases


@pytest.fixture(scope="session")
def masks(tmp_path_factory: pytest.TempPathFactory, _environment: object) -> Iterator[Masks]:
    """Every case of `mask_cases`, compiled by one dbt command, on a connection of its own."""
    project = new_project(tmp_path_factory.mktemp("kinds") / "demo")
    add_cases(project)
    outcome = project.dbt("compile", "--select", "pseudonymized.cases")
    assert outcome.ok, outcome.text
    with project.connect() as conn:
        yield Masks(conn, project)
