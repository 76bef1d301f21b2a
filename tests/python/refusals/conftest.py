"""Every bad model, compiled at once."""

from __future__ import annotations

import pytest
from dbt.task.compile import CompileTask

from harness import DbtProject, Outcome, new_project
from profile_cases import add_profile_cases
from refusal_cases import add_refused


@pytest.fixture(scope="session")
def bad_project(tmp_path_factory: pytest.TempPathFactory, _environment: object) -> DbtProject:
    """The demo with the models of `refusal_cases` and `profile_cases`, not yet compiled."""
    project = new_project(tmp_path_factory.mktemp("refused") / "demo")
    add_refused(project)
    add_profile_cases(project)
    return project


@pytest.fixture(scope="session")
def compiled(bad_project: DbtProject) -> Outcome:
    """One `dbt compile` of them all; it would stop at the first refusal by itself."""
    with pytest.MonkeyPatch.context() as patch:
        # Some of them call private macros, for which the whole run would be refused first.
        patch.setattr("veil.plugin.check_run", lambda project: None)
        patch.setattr(CompileTask, "raise_on_first_error", lambda self: False)
        return bad_project.dbt(
            "compile", "--select", "pseudonymized.refused", "pseudonymized.profiles"
        )
