"""`veil init`: keyring, profile, folders."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from veil.cli.options import project_option
from veil.errors import UsageError, VeilError
from veil.files import locked, private_dir
from veil.keys import Keyring, add_missing
from veil.keys.document import Document, read_raw
from veil.keys.providers import open_provider
from veil.keys.providers.aws_kms import AwsKmsProvider
from veil.keys.providers.first_use import prepare
from veil.keys.providers.local_file import LocalFileProvider
from veil.project import ZONES, Project
from veil.recording import anchor_of
from veil.state import (
    change_keyring,
    create_keyring,
    first_record,
    load_keyring,
    load_state,
    unrecorded_keyring,
    was_used,
)

PLUGIN_LINES = """\
      type: duckdb
      path: ":memory:"
      plugins:
        - module: veil.plugin
          alias: veil"""
PROJECT_LINES = """\
models:
  {name}:
    +materialized: table
    +pre-hook: "{{{{ veil.check_model() }}}}"
    +post-hook: "{{{{ veil.gate_model() }}}}"
    +database: marts
    raw: {{+database: identified}}
    pseudonymized: {{+database: pseudonymized}}
seeds:
  {name}: {{+database: identified}}"""


@click.command()
@project_option
@click.option(
    "--provider",
    metavar="URI",
    help="Where the key-encryption key is: `file:PATH`, `env:DBT_ENV_SECRET_NAME`,"
    " `passphrase:DBT_ENV_SECRET_NAME`, `keyring:SERVICE/NAME`, `aws-kms:KEY` or `vault:MOUNT/KEY`."
    "  [default: a new file under ~/.config/veil]",
)
@click.option(
    "--no-encryption",
    is_flag=True,
    help="Leave the zones in clear. The choice stands in keyring and record.",
)
@click.option(
    "--after-loss",
    is_flag=True,
    help="What is gone, keyring or ledger, is made anew although earlier releases show that there"
    " was one: under a new keyring every person has another pseudonym, and in a new ledger nothing"
    " is spent, although what was released stays known. A ledger that the record does not know is"
    " taken as it is. It is recorded.",
)
def init(project: Project, provider: str | None, no_encryption: bool, after_loss: bool) -> None:
    """Set up a project: keyring, ledger of budgets, profile, folders. Safe to repeat.

    It makes no ledger where published files, the record or the anchor show earlier releases: what
    they spent would be forgotten. A project of an earlier version gets the keys that it lacks.

    \b
    Example:
      veil init
      DBT_ENV_SECRET_VEIL=... veil init --provider env:DBT_ENV_SECRET_VEIL
    """
    traces = former_state(project)
    private_dir(project.state)
    # Two at once would each make a key, and one of them would be lost.
    with locked(project.state / "init", timeout=30.0):
        if project.keyring.exists():
            keyring = _kept_keyring(project, provider)
            click.echo(f"state/keyring.json is there already: keyring {keyring.id}.")
        else:
            traces += _further_traces(project)
            _refuse_new_over_old(project, traces, after_loss=after_loss)
            keyring = _new_keyring(
                project, provider, no_encryption=no_encryption, after_loss=bool(traces)
            )
            click.echo(f"state/keyring.json is new: keyring {keyring.id}.")
    private_dir(project.warehouse)
    _profile(project)
    # Last: where it is refused, the rest stands.
    _ledger(project, after_loss=after_loss)


def _refuse_new_over_old(project: Project, traces: list[str], *, after_loss: bool) -> None:
    if project.keyring.is_symlink():
        raise VeilError(
            "state/keyring.json is a link to nowhere.", remedy="Restore what it points at."
        )
    if traces and not after_loss:
        raise VeilError(
            f"{traces[0]} shows that this project had a keyring, and it is gone. A new one would"
            " give every person another pseudonym.",
            remedy="Put state/keyring.json back from a backup; or, to begin anew, remove"
            " warehouse/ and run `veil init --after-loss`.",
        )


def _new_keyring(
    project: Project, provider: str | None, *, no_encryption: bool, after_loss: bool
) -> Keyring:
    first = prepare(provider or _default_provider())
    _set_ledger_aside(project)
    try:
        return create_keyring(
            project, kek_ref=first.ref, is_encrypted=not no_encryption, after_loss=after_loss
        )
    except VeilError:
        # Where the keyring stands all the same, it needs its key.
        if not project.keyring.exists():
            first.undo()
        raise


def _kept_keyring(project: Project, provider: str | None) -> Keyring:
    """The keyring that is there, with the keys that an earlier version did not make.

    Raises:
        UsageError: it stands under another key-encryption key than `provider` names.
    """
    if provider is not None and not _is_named(_reference(project), provider):
        raise UsageError(
            "state/keyring.json is there already, under another key-encryption key than --provider"
            " names.",
            remedy="Leave --provider out; or, to put the keyring under that key,"
            " `veil keys rewrap --to URI`.",
        )
    unrecorded = None if former_state(project) else unrecorded_keyring(project)
    if unrecorded is not None:
        first_record(project, unrecorded, after_loss=False)
    keyring = load_keyring(project)
    added = add_missing(keyring)
    if added:
        change_keyring(project, keyring, "key.added", kids=[entry.kid for entry in added])
    for entry in added:
        click.echo(f"Key {entry.kid} is new: {entry.purpose}, domain {entry.domain}.")
    return keyring


def _set_ledger_aside(project: Project) -> None:
    """A ledger whose keyring is gone: no key opens it."""
    from veil.warehouse.ledger_keys import set_aside

    kept = set_aside(project)
    if kept is not None:
        click.echo(f"The former ledger is kept as state/{kept.name}; it opens with its keyring.")


def _ledger(project: Project, *, after_loss: bool) -> None:
    """Make the ledger, or look whether the one that is there holds.

    Raises:
        LedgerError: something shows earlier releases, or it is not the one that was recorded; and
            nobody said that this is known.
    """
    # duckdb takes a moment to import; nothing else here needs it.
    from veil.warehouse.ledger import Ledger, create_ledger
    from veil.warehouse.ledger_file import SHOWN
    from veil.warehouse.ledger_keys import is_there
    from veil.warehouse.ledger_rows import LedgerError

    keyring, keeper = load_state(project)
    if not is_there(project):
        create_ledger(project, keyring, keeper, after_loss=after_loss)
        click.echo(f"{SHOWN} is new: nothing is spent of any budget.")
        return
    ledger = Ledger(project, keyring, keeper)
    try:
        ledger.rekey()
    except LedgerError:
        if not after_loss:
            raise
        ledger.accept()
        ledger.rekey()
        click.echo(f"{SHOWN} is taken as it is; the record says so.")
    else:
        click.echo(f"{SHOWN} is there already.")


def _reference(project: Project) -> str:
    """What the keyring names as its key-encryption key; no key is needed to read it."""
    return Document.parse(read_raw(project.keyring)).mac_entry().kek_ref


def _is_named(reference: str, given: str) -> bool:
    """Whether `given`, from which `prepare` may have made more, names what the keyring names.

    Raises:
        ProviderError: no such provider, or a key whose full name cannot be asked for.
    """
    scheme, _, rest = given.partition(":")
    if reference == given or scheme != reference.partition(":")[0]:
        return reference == given
    if scheme == "passphrase":
        return reference.partition("?")[0] == given
    opened = open_provider(given)
    if isinstance(opened, AwsKmsProvider):
        return opened.pinned() == reference
    if isinstance(opened, LocalFileProvider):
        return Path(rest).expanduser() == Path(reference.partition(":")[2]).expanduser()
    return False


def former_state(project: Project) -> list[str]:
    """Files that only a project with a keyring can have, relative to its root."""
    candidates = [
        *sorted(project.published.glob("*/RELEASE.json")),
        *([project.checkpoint, project.record] if was_used(project) else []),
        *(project.zone_file(zone) for zone in ZONES),
    ]
    return [str(path.relative_to(project.root)) for path in candidates if path.exists()]


def _further_traces(project: Project) -> list[str]:
    """What shows a former record, ledger or release where there is no keyring.

    Raises:
        AuditError: the anchor is malformed, or cannot be read.
    """
    found = [
        *project.published.glob(".releases/*/RELEASE.json"),
        *project.audit.glob("closed-*"),
        *project.state.glob("ledger*.duckdb"),
    ]
    anchor = anchor_of(project)
    anchored = anchor is not None and bool(anchor.origins())
    return [
        *(str(path.relative_to(project.root)) for path in sorted(found)),
        *(["the anchor, which keeps checkpoints already,"] if anchored else []),
    ]


def _default_provider() -> str:
    return f"file:~/.config/veil/{secrets.token_hex(8)}.kek"


def _profile(project: Project) -> None:
    example = project.root / "profiles.example.yml"
    target = project.root / "profiles.yml"
    config = project.config()
    is_ours = config.get("name") == "veil" and example.exists()
    if is_ours and not target.exists():
        target.write_bytes(example.read_bytes())
        click.echo("profiles.yml is new, copied from profiles.example.yml.")
    elif is_ours:
        click.echo("profiles.yml is there already.")
    else:
        _say_what_to_paste(project, config)


def _say_what_to_paste(project: Project, config: Mapping[str, Any]) -> None:
    """In somebody else's project: what its files lack. They are read, never written."""
    profile = str(config.get("profile"))
    text = (project.root / "dbt_project.yml").read_text(encoding="utf-8")
    lacks_plugin = not _uses_plugin(project, profile)
    lacks_hooks = "veil.check_model()" not in text or "veil.gate_model()" not in text
    if lacks_plugin:
        click.echo(f"Paste into the target of profile `{profile}` in your profiles.yml:\n")
        click.echo(PLUGIN_LINES + "\n")
    if lacks_hooks:
        click.echo("Paste into dbt_project.yml, with your own folders:\n")
        click.echo(PROJECT_LINES.format(name=config.get("name")) + "\n")
    if lacks_plugin or lacks_hooks:
        click.echo("Keep state/, warehouse/, published/ and profiles.yml out of git.")
    else:
        click.echo("Profile and dbt_project.yml have veil's lines already.")


def _uses_plugin(project: Project, profile: str) -> bool:
    """Whether a target of `profile` has the plugin, in the profiles.yml that dbt would read."""
    folders = (os.environ.get("DBT_PROFILES_DIR") or project.root, Path.home() / ".dbt")
    for file in (Path(folder) / "profiles.yml" for folder in folders):
        if file.exists():
            try:
                loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
            except (OSError, UnicodeError, yaml.YAMLError):
                return False
            return isinstance(loaded, dict) and "veil.plugin" in str(loaded.get(profile))
    return False
