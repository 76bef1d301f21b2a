"""Fixtures: one built project per worker, and copies of it."""

from __future__ import annotations

import itertools
import secrets
import shutil
from collections.abc import Iterator

import pytest

from harness import KEK, DbtProject, copy_of, new_project

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> object:
    """An empty home and a key-encryption key in the environment, for the whole worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv(KEK, secrets.token_hex(32))
        patch.setenv("DO_NOT_TRACK", "1")
        patch.delenv("VEIL_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, _environment: object) -> DbtProject:
    """The demo, built and published once per worker. Read it; never change it."""
    project = new_project(tmp_path_factory.getbasetemp() / "demo-0000")
    outcome = project.dbt("build")
    assert outcome.ok, outcome.text
    return project


@pytest.fixture
def project(built: DbtProject) -> Iterator[DbtProject]:
    """A copy of the built demo, to change at will."""
    copy = copy_of(built, built.root.with_name(f"demo-{next(_numbers):04d}"))
    yield copy
    shutil.rmtree(copy.root, ignore_errors=True)
