"""Takes the picture of a project on disk: checked as `veil check` does, then drawn.

Neither a warehouse nor a key is needed. What a check keeps is built upon.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from veil.check import cache, check_project
from veil.check.codec import unpacked
from veil.check.drift import header_of
from veil.check.inputs import Inputs
from veil.check.manifest import Profile, check_folder
from veil.check.parsed import Parsed
from veil.errors import VeilError
from veil.exposure.picture import Picture, draw
from veil.lineage import Relation
from veil.policy.graph import Node
from veil.project import Project

PLACES = ("package", "git", "local", "tarball", "private")
"""Keys under which packages.yml names a package."""
_WORD = re.compile(r"[A-Za-z_]\w{0,62}", re.ASCII)


def take(
    project: Project,
    *,
    target: str | None,
    environ: Mapping[str, str],
    use_cache: bool = True,
) -> Picture:
    """The picture of a project as it lies on disk, uncommitted changes and all.

    Args:
        project: the dbt project.
        target: a target of its profile; the default where it is None.
        environ: the environment.
        use_cache: whether an earlier check may be built upon.

    Raises:
        VeilError: where dbt cannot parse it, or `target/veil` cannot be written.
    """
    profile = Profile.find(project, environ)
    folder = check_folder(project) / "check"
    _probe(folder)
    check_project(project, target=target, environ=environ, use_cache=use_cache)
    inputs = Inputs.read(project, profiles=profile.file, target=target, environ=environ)
    state = cache.load(folder)
    if state is None or state.settings != inputs.settings:
        raise VeilError(
            "what `veil check` found could not be kept in target/veil.",
            remedy="Free some space, and let nothing else change the project meanwhile.",
        )
    parsed = Parsed(json.loads(state.parsed))
    relations = {key: unpacked(one.relation) for key, one in state.models.items() if one.relation}
    return draw_on_disk(project, parsed, relations, inputs.texts)


def draw_on_disk(
    project: Project,
    parsed: Parsed,
    relations: Mapping[str, Relation],
    texts: Mapping[str, str],
) -> Picture:
    """The picture of a parsed project whose files lie in `project`."""
    return draw(
        parsed,
        relations=relations,
        config=project.config(),
        packages=dict(_packages(project)),
        columns_of=lambda node: _columns(project, node),
        content_of=lambda node: _content(project, node),
        texts=texts,
    )


def _probe(folder: Path) -> None:
    """A cache that cannot be written would leave an older one to be read."""
    file = folder / ".probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        file.unlink()
    except OSError:
        raise VeilError(
            "the folder target/veil cannot be written.", remedy="Check its owner and mode."
        ) from None


def _columns(project: Project, node: Node) -> list[str]:
    """Columns in a file's first line; a row of data shares no name with its YAML."""
    if node.kind not in {"seed", "source"}:
        return []
    declared = {str(one.get("name")).lower() for one in (node.raw.get("columns") or {}).values()}
    header = header_of(project, node)
    if declared and not declared & {name.lower() for name in header}:
        return []
    return [name if _WORD.fullmatch(name) else f"number {at}" for at, name in enumerate(header, 1)]


def _content(project: Project, node: Node) -> str:
    """Digest of a seed's file; empty where it cannot be read."""
    try:
        return hashlib.sha256((project.root / node.file).read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _packages(project: Project) -> Iterator[tuple[str, str]]:
    """Version of each package that the project asks for, as it asks."""
    for name in ("packages.yml", "dependencies.yml"):
        try:
            loaded = yaml.safe_load((project.root / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeError, yaml.YAMLError):
            continue
        listed = loaded.get("packages") if isinstance(loaded, dict) else None
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict):
                place = next((key for key in PLACES if key in one), "")
                version = one.get("revision", one.get("version", ""))
                yield str(one.get(place)), _said(version) or place


def _said(version: Any) -> str:
    return ", ".join(map(str, version)) if isinstance(version, list) else str(version or "")
