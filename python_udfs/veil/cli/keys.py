"""`veil keys`: what is in the keyring, and whether it holds."""

from __future__ import annotations

import json

import click

from veil.cli.options import project_option
from veil.keys import Status
from veil.project import Project
from veil.state import load_keyring

SHOWN = ("kid", "purpose", "domain", "status", "created", "not_after", "kek_ref")


@click.group()
def keys() -> None:
    """List and verify the keys.

    \b
    Example:
      veil keys list
    """


@keys.command("list")
@project_option
@click.option("--json", "as_json", is_flag=True, help="For a machine.")
def list_keys(project: Project, as_json: bool) -> None:
    """List the keys: ids, purposes and states, never material.

    \b
    Example:
      veil keys list --json
    """
    keyring = load_keyring(project)
    rows = [{name: _shown(getattr(entry, name)) for name in SHOWN} for entry in keyring.entries]
    if as_json:
        body = {"id": keyring.id, "generation": keyring.generation, "keys": rows}
        click.echo(json.dumps(body, indent=2))
        return
    click.echo(f"keyring {keyring.id}, generation {keyring.generation}")
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in SHOWN}
    click.echo("  ".join(name.ljust(widths[name]) for name in SHOWN).rstrip())
    for row in rows:
        click.echo("  ".join(row[name].ljust(widths[name]) for name in SHOWN).rstrip())


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


@keys.command()
@project_option
def verify(project: Project) -> None:
    """Check the keyring's seal, and that every usable key unwraps.

    \b
    Example:
      veil keys verify
    """
    keyring = load_keyring(project)
    checked = 1  # the key of the seal itself
    for entry in keyring.entries:
        if entry.purpose != "keyring-mac" and entry.status not in {
            Status.DISABLED,
            Status.DESTROYED,
        }:
            keyring.material(entry)
            checked += 1
    click.echo(f"The seal of keyring {keyring.id} holds, and {checked} keys unwrap.")
