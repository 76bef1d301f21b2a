"""`veil`: the commands around `dbt build`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from veil import __version__
from veil.cli.audit import audit
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
from veil.errors import EXIT_FINE, EXIT_USAGE, VeilError
from veil.process import forbid_core_files


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with one of veil's exit codes."""
    forbid_core_files()
    try:
        cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except VeilError as error:
        click.echo(f"veil: {error}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except click.Abort:
        click.echo("veil: stopped.", err=True)
        sys.exit(EXIT_USAGE)
    sys.exit(EXIT_FINE)
