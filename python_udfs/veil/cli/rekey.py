"""`veil keys reencrypt`, `emergency`, `translate`: new keys for what is stored already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from veil.cli.options import progress_bar, project_option
from veil.errors import UsageError
from veil.keys import LocalFileProvider, open_provider
from veil.project import ZONES, Project
from veil.state import load_keyring

if TYPE_CHECKING:
    from veil.warehouse.emergency import Response

REMAINS = {
    "zone_copies": "Read every copy of warehouse/*.duckdb from before now, backups too: it opens"
    " with the old zone keys. Find those copies and remove them.",
    "old_pseudonyms": "Tell whose an old pseudonym is, by trying every identifier: in extracts, and"
    " in copies of the zones. Recall the extracts. The map from old to new pseudonyms is gone, so"
    " nobody leads them on to the new ones.",
    "old_tokens": "Tell whose a random token is, where he has a copy of the identified zone too.",
    "forged_receipts": "Show gate receipts of his own making, dated before now. No such receipt"
    " counts any more: `dbt build` makes new ones, and marts that come out with other content were"
    " not gated.",
    "forged_checkpoints": "Sign checkpoints of the record with the old key. Give verifiers the new"
    " public key (`veil audit key`) and have them trust the old one only for checkpoints that they,"
    " or the anchor, hold already.",
    "ledger_copies": "Read every copy of state/ledger.duckdb from before now: what was spent, and"
    " the cells that were released. None that he wrote is believed: the record knows the newest.",
    "bounding": "Tell which rows of a person counted in a differential release, where he has the"
    " rows too.",
    "forged_keyring": "Seal a state/keyring.json of the old generation. The audit record knows the"
    " newest one and refuses it.",
}
"""What a holder of the old keys can still do, by name; in the order in which it is printed."""
KEK_STAYS = (
    "If the key-encryption key leaked as well: open the new keyring as soon as he gets a copy of"
    " it. Run `veil keys rewrap --to URI`, then destroy the old key-encryption key."
)
KEK_WENT = (
    "Open older copies of state/keyring.json, if he has the old key-encryption key: destroy it, and"
    " those copies."
)
PERTURBATION_STAYS = (
    "If the perturbation key leaked as well: take the shift out of shifted dates and the noise out"
    " of noisy values, in every release. `veil keys emergency --with-perturbation` replaces it, and"
    " published numbers change."
)
PERTURBATION_WENT = (
    "Take the shift out of shifted dates and the noise out of noisy values in releases made before"
    " now. Their numbers change at the next build: tell their readers."
)


@click.command()
@project_option
@click.argument("zones", nargs=-1, type=click.Choice(ZONES), metavar="[ZONE]...")
def reencrypt(project: Project, zones: tuple[str, ...]) -> None:
    """Give zones a new key each and write their files anew; all three without a name.

    The old key is destroyed. Killed half-way, run it again. It needs free space for one more copy
    of the largest zone, and no build may run.

    \b
    Example:
      veil keys reencrypt identified
    """
    # duckdb takes a moment to import; the other commands do without it.
    from veil.warehouse.zone_rotation import reencrypt as reencrypt_zones

    wanted = zones or ZONES
    ring = load_keyring(project)
    with progress_bar(len(wanted), "writing zones anew") as bar:
        done = []
        for one in reencrypt_zones(project, ring, wanted):
            done.append(one)
            bar.update(1)
    for one in done:
        gone = f" {' and '.join(one.destroyed)} is destroyed." if one.destroyed else ""
        click.echo(f"warehouse/{one.zone}.duckdb is under key {one.kid}.{gone}")
    click.echo("Copies of the old files, in backups for example, still open with the old keys.")


@click.command()
@project_option
@click.option(
    "--with-perturbation",
    is_flag=True,
    help="Replace the key of shifted dates and noise too: published numbers change.",
)
@click.option(
    "--to",
    "ref",
    metavar="URI",
    help="Put every key under another key-encryption key too: `file:PATH` (made where it is"
    " missing), `env:DBT_ENV_SECRET_NAME` or another provider.",
)
@click.option("--json", "as_json", is_flag=True, help="For a machine.")
def emergency(project: Project, with_perturbation: bool, ref: str | None, as_json: bool) -> None:
    """After a leak: replace every key, and all that is stored under it.

    New keys for pseudonyms, zones, receipts, the record, the ledger, bounding, tokens and the
    keyring's seal; stored pseudonyms are brought under the new one, ledger and zones are written
    anew, the old keys are destroyed. It prints what a holder of the old keys can still do. Killed
    at any moment, run it again.

    \b
    Example:
      veil keys emergency && dbt build
    """
    from veil.warehouse.emergency import respond

    ring = load_keyring(project)
    if ref is not None:
        open_provider(ref)
        _make_key_file(ref)
    done = respond(
        project,
        ring,
        with_perturbation=with_perturbation,
        kek_ref=ref,
        progress=lambda step: click.echo(f"{step} ...", err=True),
    )
    remains = what_remains(done, kek_went=ref is not None)
    if as_json:
        click.echo(json.dumps(_as_json(done, remains), indent=2))
        return
    if done.resumed:
        click.echo(
            "An emergency that was interrupted is finished. The keys that it had made before stay:"
            " if those leaked too, run it once more."
        )
    click.echo(f"Replaced: {', '.join(done.purposes)}, and the keyring's seal.")
    click.echo(f"{len(done.made)} new keys; {len(done.destroyed)} old ones are destroyed.")
    for finding in done.findings:
        click.echo(str(finding))
    click.echo("Marts have no valid gate receipt now: run `dbt build`, which also publishes.")
    click.echo("\nA holder of the old keys can still:")
    for text in remains.values():
        click.echo(f"  - {text}")


def what_remains(done: Response, *, kek_went: bool) -> dict[str, str]:
    """What a holder of the old keys can still do after an emergency, by name."""
    went = "perturbation" in done.purposes
    return {
        **REMAINS,
        "key_encryption_key": KEK_WENT if kek_went else KEK_STAYS,
        "perturbation": PERTURBATION_WENT if went else PERTURBATION_STAYS,
    }


def _as_json(done: Response, remains: dict[str, str]) -> dict[str, object]:
    return {
        "resumed": done.resumed,
        "purposes": list(done.purposes),
        "made": list(done.made),
        "destroyed": list(done.destroyed),
        "zones": [{"zone": one.zone, "kid": one.kid} for one in done.zones],
        "findings": [
            {"rule": one.rule, "model": one.model, "column": one.column, "message": str(one)}
            for one in done.findings
        ],
        "next": "dbt build",
        "remains": [{"id": name, "text": text} for name, text in remains.items()],
    }


def _make_key_file(ref: str) -> None:
    place = ref.removeprefix("file:")
    if ref != place and not Path(place).expanduser().exists():
        LocalFileProvider(place).create()
        click.echo(f"The key file {place} is new.", err=True)


@click.command()
@project_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--column", required=True, help="The column of FILE that holds pseudonyms.")
@click.option("--domain", required=True, help="Their `privacy_domain`.")
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The new file, readable by you alone; it must not exist.",
)
def translate(project: Project, file: Path, column: str, domain: str, output: Path) -> None:
    """Bring the old pseudonyms of an extract (CSV) under the new key, within the overlap window.

    \b
    Example:
      veil keys translate extract.csv --column person_key --domain person --output new.csv
    """
    from veil.warehouse.translation import translate_csv

    if output.exists():
        raise UsageError(f"{output} exists already.", remedy="Name another file.")
    unknown = translate_csv(
        project, load_keyring(project), file, column=column, domain=domain, output=output
    )
    click.echo(f"{output} is written.")
    if unknown:
        click.echo(
            "Some pseudonyms are under an old key and the map does not know them; they stay as they"
            " are and join nothing."
        )
