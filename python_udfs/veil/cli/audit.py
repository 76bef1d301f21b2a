"""`veil audit`: the record, for whoever has to believe it."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from veil.cli.options import project_option, write_text
from veil.errors import EXIT_CANNOT_RUN, EXIT_FINDING, EXIT_FINE, UsageError, VeilError
from veil.project import Project

if TYPE_CHECKING:
    from veil.audit import Record, Verifier

EXIT_TORN = 4
"""Whole, but for an end that no checkpoint covers yet."""
EXIT_FORKED = 5
"""Not the record, or not all of the record, that it was held against."""

EXITS = {
    "ok": EXIT_FINE,
    "pending": EXIT_TORN,
    "torn": EXIT_TORN,
    "forked": EXIT_FORKED,
    "tampered": EXIT_FINDING,
    "unreadable": EXIT_CANNOT_RUN,
}
_SHOW_AFTER = 1.0
_FORGOTTEN = (
    "Recalls that stood in lines which are gone or damaged are forgotten: look into what is"
    " published, and recall again what must not come back."
)


class _Path(click.Path):
    """A file that need not be there. An empty name would be the folder of the command."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name of the file is empty.", param, ctx)
        return super().convert(value, param, ctx)


class _Output(click.File):
    """A file to write, or the console."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name of the file is empty.", param, ctx)
        return super().convert(value, param, ctx)


_file = _Path(path_type=Path, dir_okay=False)
_json_option = click.option("--json", "as_json_text", is_flag=True, help="For a machine.")


@click.group()
def audit() -> None:
    """Verify, compare, export and prove the record in state/audit/; begin another after a loss.

    \b
    Example:
      veil audit verify
    """


@audit.command()
@click.argument("log", required=False, type=_file)
@click.option("--checkpoints", metavar="FILE", type=_file, help="Signed checkpoints of LOG.")
@click.option(
    "--pubkey",
    "pubkeys",
    metavar="KEY",
    multiple=True,
    help="Public key, or a file that holds keys; repeat it for former keys.",
)
@click.option("--since", metavar="FILE", type=_file, help="Older checkpoint that LOG must extend.")
@click.option("--project-dir", metavar="DIR", default=".", show_default=True, help="Without LOG.")
@_json_option
def verify(
    log: Path | None,
    checkpoints: Path | None,
    pubkeys: tuple[str, ...],
    since: Path | None,
    project_dir: str,
    as_json_text: bool,
) -> None:
    """Read every line of LOG, and hold it against its signed checkpoints.

    Works from files alone, in any folder. Without LOG: the record of the project. Exit codes: 0
    fine, 1 tampered with, 2 usage, 3 cannot run, 4 an end that no checkpoint covers yet, whole
    lines or one that a crash tore, 5 not an extension of the older checkpoint.

    \b
    Example:
      veil audit verify
      veil audit verify record.jsonl --checkpoints checkpoints --pubkey auditor.vkey
      veil audit verify record.jsonl --checkpoints checkpoints --pubkey auditor.vkey --since old
    """
    from veil.audit import verify_record
    from veil.audit.reading import newest_note, public_keys
    from veil.findings import as_json, as_text

    verifiers = public_keys(pubkeys)
    if log is None:
        project = Project.find(Path(project_dir))
        log = _record_file(project)
        verifiers = verifiers or _own_verifiers(project)
    if not verifiers:
        raise UsageError(
            "no public key is given.", remedy="Give --pubkey; `veil audit key` prints it."
        )
    older = None if since is None else newest_note(since)
    progress = _Progress()
    verdict = verify_record(
        log,
        checkpoints or log.with_name("checkpoints"),
        verifiers,
        since=older,
        progress=progress,
    )
    progress.end()
    if as_json_text:
        names = "size covered pending torn checkpoints unknown torn_checkpoint".split()
        numbers = {name: getattr(verdict, name) for name in names}
        click.echo(as_json(verdict.findings, outcome=str(verdict.outcome), **numbers))
    else:
        if verdict.findings:
            click.echo(as_text(verdict.findings) + "\n")
        click.echo(
            f"veil audit: {verdict.outcome}; {verdict.size:,} lines,"
            f" {verdict.covered:,} of them under the newest of {verdict.checkpoints:,} checkpoints."
        )
    sys.exit(EXITS[verdict.outcome])


@audit.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@_json_option
def compare(a: Path, b: Path, as_json_text: bool) -> None:
    """Compare two copies of a record: the same, one older than the other, or a fork.

    A and B are records, or folders that hold one. Whether either is intact is for `veil audit
    verify` to say. Exit codes: 0 the same or one older, 3 cannot run, 5 a fork.

    \b
    Example:
      veil audit compare state/audit /mnt/backup/state/audit
    """
    from veil.audit import Relation, compare_records

    found = compare_records(a, b)
    if as_json_text:
        body = {"relation": str(found.relation), "common": found.common, "sizes": found.sizes}
        click.echo(json.dumps(body, indent=2))
    else:
        first, second = (f"{size:,}" for size in found.sizes)
        says = {
            Relation.SAME: f"the same {first} lines.",
            Relation.A_IS_OLDER: f"A is older: its {first} lines begin the {second} of B.",
            Relation.B_IS_OLDER: f"B is older: its {second} lines begin the {first} of A.",
            Relation.FORKED: f"a fork: entry {found.common} differs.",
        }
        click.echo(f"veil audit: {says[found.relation]}")
    sys.exit(EXIT_FORKED if found.relation is Relation.FORKED else EXIT_FINE)


@audit.command()
@project_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["otlp", "syslog"]),
    default="otlp",
    show_default=True,
    help="OpenTelemetry log records as JSON lines, or RFC 5424.",
)
@click.option("--since", metavar="SEQ", type=click.IntRange(min=0), default=0, help="First entry.")
@click.option(
    "--output",
    metavar="FILE",
    type=_Output("w", encoding="utf-8", atomic=True, lazy=False),
    default="-",
    help="Write here instead of to the console.",
)
def export(project: Project, form: str, since: int, output: TextIO) -> None:
    """Print the project's record for a log service, one line an entry.

    \b
    Example:
      veil audit export --format syslog --since 120 --output audit.log
    """
    from veil.audit.export import otlp_line, syslog_line

    written = otlp_line if form == "otlp" else syslog_line
    for entry in _record(project).events(since=since):
        output.write(written(entry) + "\n")


@audit.command()
@project_option
def key(project: Project) -> None:
    """Print the public key that verifies the project's checkpoints. It is no secret.

    Hand it to the auditor by a way that the two of you trust, before it is needed.

    \b
    Example:
      veil audit key > auditor.vkey
    """
    for verifier in _own_verifiers(project):
        click.echo(verifier.vkey)


@audit.command()
@project_option
@click.argument("seq", type=click.IntRange(min=0))
@click.option("--output", metavar="FILE", type=_file, help="Write here instead.")
def prove(project: Project, seq: int, output: Path | None) -> None:
    """Print a proof, as JSON, that entry SEQ stands under the newest checkpoint.

    It holds the entry, the signed checkpoint, and the hashes between them (RFC 9162).

    \b
    Example:
      veil audit prove 41 --output proof.json
    """
    from veil.audit.prove import prove as make_proof

    text = json.dumps(make_proof(_record(project), seq), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        write_text(output, text + "\n")


@audit.command()
@project_option
@click.option("--yes", is_flag=True, help="Do it. Without it the command says what is wrong.")
def begin(project: Project, yes: bool) -> None:
    """Begin another record, under another name, where this one is lost or damaged.

    What is left of the old one is kept in state/audit/closed-N/, as evidence. The keyring is taken
    as it is: compare it with a backup first. A record that holds is not replaced.

    \b
    Example:
      veil audit begin
      veil audit begin --yes
    """
    from veil.audit import AnchorError
    from veil.audit.salvage import taken_back
    from veil.keys import Keyring
    from veil.recording import open_keeper
    from veil.state import begin_record

    problem = _what_is_wrong(project)
    if problem is None:
        raise UsageError(
            "the record holds, and it is not replaced.",
            remedy="`veil audit verify` says how far it is under a checkpoint.",
        )
    blocked, lacks = taken_back(
        project.record, project.record.with_name("checkpoints"), project.checkpoint
    )
    if not yes:
        raise UsageError(
            f"this record would be closed for good, because {problem}",
            remedy="Look for a whole copy first (docs/runbooks/failed-audit.md); where there is"
            " none, run it again with --yes." + (f" {_FORGOTTEN}" if lacks else ""),
        )
    closed = set(project.audit.glob("closed-*"))
    with suppress(AnchorError):  # by then it has begun; the checkpoint below asks again
        begin_record(project)
    keeper = open_keeper(project, Keyring.load(project.keyring))
    for details in blocked:
        keeper.note("publication.recalled", **details)
    keeper.checkpoint()
    (kept,) = set(project.audit.glob("closed-*")) - closed
    click.echo(f"Another record begins, {keeper.origin}.")
    click.echo(f"What is left of the former one is in state/audit/{kept.name}/: keep it.")
    if blocked:
        click.echo("Releases that were taken back stay so, those with a lifted recall too.")
    if lacks:
        click.echo(_FORGOTTEN)
    click.echo("It is signed with another key: give `veil audit key` to those who verify.")


def _what_is_wrong(project: Project) -> str | None:
    """Why the record, or the keyring under it, cannot go on; None where all holds.

    Raises:
        VeilError: the keyring does not open, or the anchor cannot be asked: then nobody can tell.
    """
    from veil.audit import AnchorError, Outcome, verify_record
    from veil.keys import Keyring
    from veil.recording import check_recorded, open_keeper

    keyring = Keyring.load(project.keyring)
    if project.record.exists():
        # First what reads alone: opening a record mends its end, and this one may be evidence.
        checkpoints = project.record.with_name("checkpoints")
        found = verify_record(project.record, checkpoints, _own_verifiers(project))
        if found.outcome in {Outcome.TAMPERED, Outcome.UNREADABLE}:
            return found.findings[0].message
    try:
        check_recorded(project, keyring)
        open_keeper(project, keyring).check()
    except AnchorError:
        raise
    except VeilError as error:
        return error.message
    return None


def _record_file(project: Project) -> Path:
    path = project.state / "audit" / "record.jsonl"
    if not path.exists():
        raise VeilError(
            "the project has no audit record.", remedy="`veil init` begins one; or restore state/."
        )
    return path


def _record(project: Project) -> Record:
    from veil.audit import Record

    return Record.read(_record_file(project).parent)


def _own_verifiers(project: Project) -> list[Verifier]:
    from veil.keys import Keyring
    from veil.recording import audit_verifiers

    # Not by way of veil.state, which refuses a keyring whose record is damaged: that is looked for.
    return audit_verifiers(Keyring.load(project.keyring))


class _Progress:
    """Progress on a terminal, where it takes longer than a moment."""

    def __init__(self) -> None:
        self._start = self._shown = time.monotonic()
        self._is_shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._start > _SHOW_AFTER and now - self._shown > 0.1:
            self._shown, self._is_shown = now, True
            full = 30 * done // max(total, 1)
            bar = "#" * full + "-" * (30 - full)
            click.echo(f"\rveil audit: [{bar}] {100 * done // max(total, 1)} %", err=True, nl=False)

    def end(self) -> None:
        if self._is_shown:
            click.echo("\r\x1b[K", err=True, nl=False)
