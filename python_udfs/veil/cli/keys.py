"""`veil keys`: what is in the keyring, and the steps of a key's life.

Other modules of `veil.cli` register further commands on the group.
"""

from __future__ import annotations

import json
from datetime import timedelta

import click

from veil.cli.options import progress_bar, project_option
from veil.errors import UsageError, VeilError
from veil.keys import (
    KeyEntry,
    Keyring,
    KeyringError,
    Status,
    disable,
    due,
    expiring,
    open_provider,
    promote,
    retire,
    rewrap,
    rotate,
    stale_entries,
)
from veil.keys import destroy as destroy_key
from veil.keys.disabling import disable_unsealed, peek
from veil.keys.entry import ALGORITHMS, ANY_DOMAIN, MAC_PURPOSE, USABLE
from veil.keys.providers.first_use import prepare
from veil.keys.rotation import days_left
from veil.project import Project
from veil.recording import audit_domain
from veil.state import change_keyring, load_keyring

SHOWN = ("kid", "purpose", "domain", "status", "created", "not_after", "days_left", "kek_ref")
PSEUDONYM_WINDOW_DAYS = 30
SOON = timedelta(days=14)
_GONE = Status.DESTROYED
PURPOSES = sorted(set(ALGORITHMS) - {MAC_PURPOSE})

ON_PROMOTION = {
    "pseudonym": "From the next build on every pseudonym under it is another.",
    "perturbation": "From the next build on every shifted date and every noise value under it is"
    " another: published numbers change.",
    "receipt": "Gate receipts are made under it from now on.",
    "audit": "Checkpoints are signed with it from now on: give the new public key to those who"
    " verify.",
    "token": "Random tokens stay as they are; the table is looked up under it.",
    "ledger": "The ledger is written anew under it; what was spent stays spent.",
    "bounding": "In draws from now on other rows of a person may be the ones that count; the bounds"
    " and stored releases stay.",
}
"""What a new primary key changes, by purpose."""

WITHOUT_IT = {
    "zone": "The zone's file, where it is still under this key, and every copy of it, cannot be"
    " opened.",
    "pseudonym": "Pseudonyms under it can be neither made nor matched: without another primary key"
    " the builds of its domain stop.",
    "perturbation": "Shifted dates and noise under it cannot be made again: without another"
    " primary key the models that use it stop.",
    "receipt": "Marts whose receipt is under it must be built again before they are published.",
    "audit": "Nothing can be signed with it; what it signed can still be verified with its public"
    " key.",
    "token": "Tokens that were looked up under it alone cannot be found again.",
    "ledger": "The ledger, where it is still under this key, cannot be opened: nobody knows what"
    " was spent, and nothing more is released.",
    "bounding": "No differential release is drawn without another primary key; stored ones stay.",
}
"""What is lost when a key may not be used, by purpose."""


@click.group()
def keys() -> None:
    """The keys: list and verify, rotate, stop, destroy.

    A rotation takes two steps, `rotate` and `promote`; the old key is matched until its window
    ends, then `retire` disables it and `destroy` drops its material.

    \b
    Example:
      veil keys list
    """


@keys.command("list")
@project_option
@click.option("--json", "as_json", is_flag=True, help="For a machine.")
@click.option(
    "--max-age",
    metavar="DAYS",
    type=click.IntRange(1, 36500),
    default=365,
    show_default=True,
    help="Name primary keys that are older.",
)
def list_keys(project: Project, as_json: bool, max_age: int) -> None:
    """List the keys: ids, purposes, states and days left, never material.

    \b
    Example:
      veil keys list --json
    """
    ring = load_keyring(project)
    rows = [_row(entry) for entry in ring.entries]
    notes = _notes(ring, timedelta(days=max_age))
    if as_json:
        body = {"id": ring.id, "generation": ring.generation, "keys": rows, "notes": notes}
        click.echo(json.dumps(body, indent=2))
        return
    click.echo(f"keyring {ring.id}, generation {ring.generation}")
    shown = [{name: "-" if row[name] is None else str(row[name]) for name in SHOWN} for row in rows]
    widths = {name: max(len(name), *(len(row[name]) for row in shown)) for name in SHOWN}
    for row in ({name: name for name in SHOWN}, *shown):
        click.echo("  ".join(row[name].ljust(widths[name]) for name in SHOWN).rstrip())
    for note in notes:
        click.echo(note)


@keys.command()
@project_option
def verify(project: Project) -> None:
    """Check the keyring's seal, and that every usable key unwraps.

    \b
    Example:
      veil keys verify
    """
    ring = load_keyring(project)
    usable = [e for e in ring.entries if e.status in USABLE and e.purpose != MAC_PURPOSE]
    with progress_bar(len(usable), "unwrapping") as bar:
        for entry in usable:
            ring.material(entry)
            bar.update(1)
    # One more: the key of the seal itself.
    click.echo(f"The seal of keyring {ring.id} holds, and {len(usable) + 1} keys unwrap.")


@keys.command("rotate")
@project_option
@click.option("--purpose", required=True, type=click.Choice(PURPOSES), help="What the key is for.")
@click.option(
    "--domain",
    help="Linkage domain.  [default: `*`, the key of all domains; that of the record for audit]",
)
def rotate_key(project: Project, purpose: str, domain: str | None) -> None:
    """First step of a rotation: make a pending key. Nothing else changes yet.

    \b
    Example:
      veil keys rotate --purpose pseudonym
      veil keys promote KID
    """
    _refuse_zone(purpose)
    ring = load_keyring(project)
    usual = audit_domain(ring) if purpose == "audit" else ANY_DOMAIN
    entry = rotate(ring, purpose, domain or usual)
    change_keyring(project, ring, "key.added", kids=[entry.kid])
    click.echo(f"Key {entry.kid} is pending: {purpose}, domain {entry.domain}.")
    click.echo(f"It is used once you run `veil keys promote {entry.kid}`. {ON_PROMOTION[purpose]}")


@keys.command("promote")
@project_option
@click.argument("kid")
@click.option(
    "--window",
    metavar="DAYS",
    type=int,
    help="How long the old key still matches what it protected."
    f"  [default: {PSEUDONYM_WINDOW_DAYS} for pseudonyms, no end for other purposes]",
)
def promote_key(project: Project, kid: str, window: int | None) -> None:
    """Second step of a rotation: the pending key becomes primary, the old primary active.

    \b
    Example:
      veil keys promote KID --window 14
    """
    ring = load_keyring(project)
    purpose = ring.entry(kid).purpose
    _refuse_zone(purpose)
    if window is None and purpose == "pseudonym":
        window = PSEUDONYM_WINDOW_DAYS
    new, old = promote(ring, kid, window_days=window)
    if purpose == "ledger":
        from veil.warehouse.ledger_keys import rekey_ledger

        # Before the keyring is saved: killed in between, this command goes on from there.
        rekey_ledger(project, ring)
    kids = [new.kid] if old is None else [new.kid, old.kid]
    change_keyring(project, ring, "key.promoted", kids=kids)
    click.echo(f"Key {new.kid} is primary: {new.purpose}, domain {new.domain}.")
    click.echo(ON_PROMOTION[purpose])
    if old is not None:
        until = "until you retire it" if old.not_after is None else f"until {old.not_after}"
        click.echo(f"Key {old.kid} is active {until}; then run `veil keys retire {old.kid}`.")


@keys.command("retire")
@project_option
@click.argument("kid")
def retire_key(project: Project, kid: str) -> None:
    """Disable an active key whose overlap window is over.

    \b
    Example:
      veil keys retire KID
    """
    ring = load_keyring(project)
    _refuse_ledger(project, ring.entry(kid))
    entry = retire(ring, kid)
    _say_what_it_means(entry)
    change_keyring(project, ring, "key.disabled", kids=[kid])
    click.echo(f"Key {kid} is disabled. `veil keys destroy {kid}` drops its material.")


@keys.command("disable")
@project_option
@click.argument("kid")
def disable_key(project: Project, kid: str) -> None:
    """Stop a key at once and for good, also while its provider is unreachable.

    \b
    Example:
      veil keys disable KID
    """
    entry = peek(project.keyring, kid)
    if entry.purpose == "audit" and entry.status is Status.PRIMARY:
        raise UsageError(
            f"key {kid} signs the record: without it no other change could be recorded.",
            remedy="Run `veil keys rotate --purpose audit`, promote the new key, then disable it.",
        )
    _refuse_ledger(project, entry)
    if entry.purpose != MAC_PURPOSE:
        _say_what_it_means(entry)
    try:
        sealed = disable(
            project.keyring,
            kid,
            load=lambda: load_keyring(project),
            save=lambda ring: change_keyring(project, ring, "key.disabled", kids=[kid]),
        )
    except KeyringError:
        raise
    except VeilError as error:
        # A record that is damaged, or out of reach, is no reason to let a leaked key go on.
        disable_unsealed(project.keyring, kid)
        raise VeilError(
            f"key {kid} is disabled, and that is not recorded: {error.message}",
            remedy=error.remedy,
        ) from None
    click.echo(f"Key {kid} is disabled.")
    if not sealed:
        click.echo(
            "The provider cannot be reached: whoever may write state/keyring.json could take that"
            " back. Repeat the command once it can."
        )


@keys.command("destroy")
@project_option
@click.argument("kid")
@click.option("--yes", is_flag=True, help="Do it. Without it the command says what would be lost.")
def destroy(project: Project, kid: str, yes: bool) -> None:
    """Drop the material of a disabled key for good. Its id stays and is never given again.

    \b
    Example:
      veil keys destroy KID --yes
    """
    ring = load_keyring(project)
    entry = ring.entry(kid)
    destroy_key(ring, kid)  # refuses a key that is not disabled, before anything is said
    _refuse_ledger(project, entry)
    if not yes:
        raise UsageError(
            f"key {kid} ({entry.purpose}, domain {entry.domain}) would be gone for good."
            f" {WITHOUT_IT[entry.purpose]}",
            remedy="Run it again with --yes.",
        )
    _say_what_it_means(entry)
    change_keyring(project, ring, "key.destroyed", kids=[kid])
    click.echo(
        f"Key {kid} is destroyed. Backups of state/ still hold it, under the key-encryption key"
        " of their time."
    )


@keys.command("rewrap")
@project_option
@click.option(
    "--to",
    "ref",
    metavar="URI",
    required=True,
    help="The new key-encryption key, as for `veil init --provider`; a file is made where it is"
    " missing.",
)
def rewrap_keys(project: Project, ref: str) -> None:
    """Put every key under another key-encryption key. The keys themselves stay.

    \b
    Example:
      veil keys rewrap --to file:~/.config/veil/new.kek
    """
    ring = load_keyring(project)
    before = sorted({entry.kek_ref for entry in ring.entries if entry.status is not _GONE})
    count = sum(entry.status is not _GONE for entry in ring.entries)
    ready = prepare(ref)
    try:
        with progress_bar(count, "wrapping") as bar:
            done = rewrap(ring, ready.ref, progress=lambda: bar.update(1))
    except VeilError:
        # Not later: once the save was tried, the file may be under the new key.
        ready.undo()
        raise
    change_keyring(project, ring, "key.rewrapped", kids=[entry.kid for entry in done])
    click.echo(f"{len(done)} keys are wrapped under the {open_provider(ready.ref).describe()}.")
    for old in before:
        if old != ready.ref:
            click.echo(
                f"The {open_provider(old).describe()} still opens older copies of"
                " state/keyring.json. Destroy it once `veil keys verify` is fine, no backup of"
                " state/ needs it and no other keyring is under it."
            )


def _row(entry: KeyEntry) -> dict[str, str | int | None]:
    left = days_left(entry)
    return {name: left if name == "days_left" else getattr(entry, name) for name in SHOWN}


def _notes(ring: Keyring, max_age: timedelta) -> list[str]:
    """What somebody should do about a key."""
    stale = stale_entries(ring)
    notes = [
        f"Key {entry.kid} is stale: its window ended on {entry.not_after}."
        f" Build once, then run `veil keys retire {entry.kid}`."
        for entry in stale
    ]
    notes += [
        f"Key {entry.kid} ends on {entry.not_after}: rotate it."
        for entry in expiring(ring, SOON)
        if entry.status is not Status.ACTIVE
    ]
    notes += [
        f"Key {entry.kid} ({entry.purpose}, domain {entry.domain}) is older than"
        f" {max_age.days} days."
        for entry in due(ring, max_age)
    ]
    notes += [
        f"Key {entry.kid} has an algorithm of an earlier version."
        for entry in ring.entries
        if entry.is_former and entry.status in USABLE
    ]
    notes += [
        f"Key {kid} was disabled without its provider: `veil keys disable {kid}` seals it."
        for kid in ring.unsealed
    ]
    return notes


def _say_what_it_means(entry: KeyEntry) -> None:
    click.echo(f"{entry.purpose} key of domain {entry.domain}: {WITHOUT_IT[entry.purpose]}")


def _refuse_zone(purpose: str) -> None:
    if purpose == "zone":
        raise UsageError(
            "a zone's key changes only together with the zone's file.",
            remedy="`veil keys reencrypt` does both; after a leak `veil keys emergency` does all.",
        )


def _refuse_ledger(project: Project, entry: KeyEntry) -> None:
    if entry.purpose == "ledger":
        # duckdb takes a moment to import; the other purposes do without it.
        from veil.warehouse.ledger_keys import refuse_needed

        refuse_needed(project, entry.kid)
