"""Has dbt parse the project, in a process of its own and under a profile that opens nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from veil.errors import VeilError
from veil.files import locked
from veil.project import Project

WAIT = 300.0
"""Seconds to wait for another check of the same project."""
KEPT = ("schema", "database", "threads")
"""Keys of a target that the SQL may depend on and that open nothing."""


@dataclass(frozen=True)
class Profile:
    """The project's profile.

    Attributes:
        name: its name.
        file: the profiles.yml that holds it.
        body: the profile: `target` and `outputs`.
    """

    name: str
    file: Path
    body: Mapping[str, Any]

    @classmethod
    def find(cls, project: Project, environ: Mapping[str, str]) -> Profile:
        """The profile that dbt would take: DBT_PROFILES_DIR, the project's folder, ~/.dbt.

        Raises:
            VeilError: where there is none of the name.
        """
        name = environ.get("DBT_PROFILE") or project.config().get("profile")
        if not isinstance(name, str):
            raise VeilError(
                "dbt_project.yml names no `profile`.", remedy="Add `profile: <name>` to it."
            )
        folders = [Path(environ["DBT_PROFILES_DIR"])] if environ.get("DBT_PROFILES_DIR") else []
        folders += [project.root, Path(environ.get("HOME", "~")).expanduser() / ".dbt"]
        for folder in folders:
            file = folder / "profiles.yml"
            if file.is_file():
                return cls(name, file, _body(file, name))
        raise VeilError(
            "no profiles.yml beside dbt_project.yml or in ~/.dbt.",
            remedy="Run `veil init`, or copy profiles.example.yml to profiles.yml.",
        )

    def harmless(self) -> dict[str, Any]:
        """The same profile over an empty database in memory: no plugin, no file, no secret."""
        outputs = self.body.get("outputs")
        made = {
            str(target): {
                "type": "duckdb",
                "path": ":memory:",
                **{key: output[key] for key in KEPT if isinstance(output, dict) and key in output},
            }
            for target, output in (outputs if isinstance(outputs, dict) else {}).items()
        }
        body: dict[str, Any] = {"outputs": made}
        if "target" in self.body:
            body["target"] = self.body["target"]
        return {self.name: body}

    def plugins(self, target: str) -> list[dict[str, str]]:
        """Module and alias of each plugin of a target: all that a macro may ask about them."""
        output = (self.body.get("outputs") or {}).get(target)
        plugins = output.get("plugins") if isinstance(output, dict) else None
        return [
            {"module": str(one.get("module")), "alias": str(one.get("alias"))}
            for one in plugins or ()
            if isinstance(one, dict)
        ]


def _body(file: Path, name: str) -> Mapping[str, Any]:
    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError):
        loaded = None
    body = loaded.get(name) if isinstance(loaded, dict) else None
    if not isinstance(body, dict) or not isinstance(body.get("outputs"), dict):
        raise VeilError(
            f"profiles.yml has no usable profile `{name}`, which dbt_project.yml names.",
            remedy="Run `veil init`, or add it: `veil init` prints the lines.",
        )
    return body


def check_folder(project: Project) -> Path:
    """The one folder that a check writes to, below dbt's own `target/`."""
    declared = project.config().get("target-path") or "target"
    name = "target" if "{" in str(declared) else str(declared)
    return project.root / name / "veil"


def parse_project(
    project: Project, profile: Profile, *, target: str | None, environ: Mapping[str, str]
) -> bytes:
    """What `veil.warehouse.parsing` writes about the project.

    Raises:
        VeilError: where dbt cannot parse it.
    """
    folder = check_folder(project)
    try:
        (folder / "parse").mkdir(parents=True, exist_ok=True)
        (folder / "check").mkdir(exist_ok=True)
    except OSError as error:
        raise VeilError(
            "the folder target/veil cannot be written.", remedy="Check its owner and mode."
        ) from error
    with (
        locked(folder / "parse" / "dbt", timeout=WAIT),
        tempfile.TemporaryDirectory(dir=folder / "parse", prefix="profile-") as profiles,
    ):
        text = yaml.safe_dump(profile.harmless(), sort_keys=False)
        (Path(profiles) / "profiles.yml").write_text(text, encoding="utf-8")
        out = Path(profiles) / "parsed.json"
        _run(project, out, profiles=Path(profiles), target=target, environ=environ)
        data = out.read_bytes() if out.is_file() else b"{}"
    document = json.loads(data)
    if "nodes" not in document:
        said = str(document.get("error") or "")
        raise VeilError(
            f"dbt cannot parse the project. {said}".rstrip(), remedy=_remedy(project, said)
        )
    return data


def _run(
    project: Project,
    out: Path,
    *,
    profiles: Path,
    target: str | None,
    environ: Mapping[str, str],
) -> None:
    place = str(check_folder(project) / "parse")
    subprocess.run(
        [
            *(sys.executable, "-m", "veil.warehouse.parsing", str(project.root), str(out)),
            *("--project-dir", str(project.root), "--profiles-dir", str(profiles)),
            *("--target-path", place, "--log-path", place),
            *("--log-level", "none", "--log-level-file", "none", "--no-use-colors"),
            "--no-send-anonymous-usage-stats",
            "--no-write-json",
            *(("--target", target) if target else ()),
        ],
        # What dbt or a warning prints there might quote the project.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **{name: value for name, value in environ.items() if name != "DBT_PROFILES_DIR"},
            "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
            "DO_NOT_TRACK": "1",
        },
        check=False,
    )


def _remedy(project: Project, said: str) -> str:
    packages = any((project.root / name).is_file() for name in ("packages.yml", "dependencies.yml"))
    if "dbt deps" in said or (packages and not project.packages()):
        return "Run `dbt deps` first."
    return "`dbt parse` shows where."
