"""The workflow and the hooks that ship: they parse, and name commands and options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from veil.cli.check import check
from veil.cli.diff import diff
from veil.exposure.markdown import MARK

ROOT = Path(__file__).parents[3]
WORKFLOW = ROOT / ".github" / "workflows" / "veil.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PAGE = ROOT / "docs" / "how-to" / "review-a-change.md"
COMMANDS: dict[str, click.Command] = {"check": check, "diff": diff}


def workflow() -> dict[str, Any]:
    found = yaml.safe_load(WORKFLOW.read_text())
    assert isinstance(found, dict)
    return found


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in workflow()["jobs"].items():
        for step in job["steps"]:
            yield name, step


def lines() -> list[list[str]]:
    """Every call of veil in the workflow, the hooks and the page, as words."""
    calls = [str(step.get("run", "")) for _, step in steps()]
    calls += [
        " ".join([one["entry"], *one.get("args", [])]) for one in yaml.safe_load(HOOKS.read_text())
    ]
    calls += re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    calls += re.findall(r"`(veil [^`]*)`", PAGE.read_text())
    found = [line for call in calls for line in call.split("\n") if line.startswith("veil ")]
    return [shlex.split(line.split(" || ")[0]) for line in found]


def unknown(words: list[str]) -> list[str]:
    """Commands and options of a call that do not exist."""
    command = COMMANDS.get(words[1])
    if command is None:
        return [words[1]]
    options = {name for one in command.params for name in one.opts} | {"--help"}
    return [word for word in words[2:] if word.startswith("--") and word not in options]


def test_every_command_and_option_exists() -> None:
    """What users copy runs."""
    calls = lines()

    assert {words[1] for words in calls} == {"check", "diff"}
    assert len(calls) >= 5
    assert [unknown(words) for words in calls if unknown(words)] == []


def test_a_wrong_option_would_be_noticed() -> None:
    """The check of commands looks at them."""
    assert unknown(["veil", "diff", "--base", "x", "--sarf", "y"]) == ["--sarf"]
    assert unknown(["veil", "dif"]) == ["dif"]


def test_every_action_is_pinned_by_a_commit() -> None:
    """A tag can be moved to other code; the version stands beside the hash for a reader."""
    uses = re.findall(r"uses: (.*)", WORKFLOW.read_text())

    assert len(uses) == 5
    assert all(
        re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in uses
    )


def test_what_runs_the_change_can_only_read() -> None:
    """The job that runs code of the pull request may not write, and the other runs none of it."""
    jobs = workflow()["jobs"]
    writing = {name for name, job in jobs.items() if "write" in job["permissions"].values()}
    commands = "\n".join(str(step.get("run", "")) for name, step in steps() if name in writing)
    checkouts = [step for _, step in steps() if "actions/checkout" in step.get("uses", "")]

    assert workflow()["permissions"] == {}
    assert writing == {"comment"}
    assert "head.repo.full_name == github.repository" in jobs["comment"]["if"]
    assert not re.search(r"^\s*(veil|dbt|pip|python)\b", commands, re.MULTILINE)
    assert "actions/checkout" not in str(jobs["comment"])
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]
    assert "pull_request_target" not in WORKFLOW.read_text().replace("event.pull_request", "")


def test_no_text_of_the_pull_request_becomes_a_command() -> None:
    """An expression in a script would be run as it stands; values go in by the environment."""
    assert not [step["run"] for _, step in steps() if "${{" in str(step.get("run", ""))]


def test_the_comment_is_found_by_its_mark() -> None:
    """A second push changes the comment in place of writing another."""
    (search,) = [step["run"] for _, step in steps() if "gh api" in str(step.get("run", ""))]

    assert MARK in search


def test_the_page_shows_the_workflow_as_it_is() -> None:
    """What is copied from the page is the file."""
    assert WORKFLOW.read_text() in PAGE.read_text()


@pytest.mark.parametrize("hook", yaml.safe_load(HOOKS.read_text()), ids=lambda one: one["id"])
def test_a_hook_runs_in_the_active_environment(hook: dict[str, Any]) -> None:
    """It says what it does, is handed no file names, and downloads nothing."""
    assert hook["language"] == "system"
    assert hook["pass_filenames"] is False
    assert hook["description"].endswith(".")
    assert hook.get("stages", ["manual"]) == ["manual"]


def test_the_check_runs_for_what_it_reads() -> None:
    """A change of another file does not start it."""
    (files,) = [one["files"] for one in yaml.safe_load(HOOKS.read_text()) if "files" in one]

    assert all(re.search(files, f"a/b.{one}") for one in ("sql", "yml", "yaml", "csv", "py", "md"))
    assert not re.search(files, "a/b.png")
