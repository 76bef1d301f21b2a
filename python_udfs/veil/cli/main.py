"""`veil`: the commands around `dbt build`."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import click

from veil import __version__
from veil.cli.audit import audit
from veil.cli.budget import budget
from veil.cli.check import check
from veil.cli.contract import contract
from veil.cli.diff import diff
from veil.cli.doctor import doctor
from veil.cli.init import init
from veil.cli.keys import keys
from veil.cli.publish import publish
from veil.cli.recall import recall
from veil.cli.rekey import emergency, reencrypt, translate
from veil.cli.scan import scan
from veil.cli.show import show
from veil.cli.tune import tune
from veil.cli.utility import utility
from veil.errors import EXIT_FINE, EXIT_USAGE, VeilError
from veil.process import forbid_core_files


class _Group(click.Group):
    """Commands whose output may end anywhere: click would end a broken pipe as a finding does."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with _refused_by_the_system():  # `--help` prints here
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _refused_by_the_system():
            return super().invoke(ctx)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="veil")
def cli() -> None:
    """Privacy-first analytics with dbt on DuckDB.

    `dbt build` is the main job and needs no wrapper; these commands are what stands around it.
    Exit codes: 0 fine, 1 finding, 2 usage, 3 cannot run.

    \b
    Example:
      veil init && dbt build
    """


cli.add_command(audit)
cli.add_command(check)
cli.add_command(contract)
cli.add_command(budget)
cli.add_command(diff)
cli.add_command(doctor)
cli.add_command(init)
cli.add_command(keys)
keys.add_command(emergency)
keys.add_command(reencrypt)
keys.add_command(translate)
cli.add_command(publish)
cli.add_command(recall)
cli.add_command(scan)
cli.add_command(show)
cli.add_command(tune)
cli.add_command(utility)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with one of veil's exit codes."""
    forbid_core_files()
    code = _run(arguments)
    try:
        with _refused_by_the_system():
            for stream in (sys.stdout, sys.stderr):
                _flush(stream)
    except VeilError as error:
        if code != error.exit_code:  # else it was said already why nothing comes out
            _say(f"veil: {error}")
        code = error.exit_code
        with suppress(OSError):
            _flush(sys.stderr)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int | str | None:
    try:
        # Not only would the output be lost: the next file that is opened would get its number,
        # and whatever prints would write into it.
        if sys.stdout is None:
            raise VeilError("the standard output is closed.", remedy="Direct it to a file.")
        cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except VeilError as error:
        _say(f"veil: {error}")
        return error.exit_code
    except SystemExit as stop:
        return stop.code
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return EXIT_USAGE
    except click.Abort:
        _say("veil: stopped.")
        return EXIT_USAGE
    return EXIT_FINE


@contextmanager
def _refused_by_the_system() -> Iterator[None]:
    """Turn what the system refuses, and no command foresaw, into one line and exit code 3."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            why = "nobody reads the output any more."
        else:
            why = f"a file or the output: {os.strerror(error.errno or errno.EIO)}."
        raise VeilError(
            f"cannot read or write: {why}",
            remedy="Check where the output goes, and that there is space; then run it again.",
        ) from None


def _flush(stream: TextIO | None) -> None:
    """Bring out what waits; what cannot be is dropped, or Python tries again as it ends.

    Raises:
        OSError: it was dropped.
    """
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with suppress(OSError):
            os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        raise


def _say(line: str) -> None:
    with suppress(OSError):
        click.echo(line, err=True)
