"""Checks for keys and passwords that stand where dbt, git or a colleague can read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from veil.doctor.check import Check, error, warning
from veil.doctor.documents import Scalar, scalars
from veil.doctor.place import Place
from veil.findings import Finding

SECRET_PREFIX = "DBT_ENV_SECRET_"  # noqa: S105 - the name's beginning, not a secret
YAML_FILES = (
    "dbt_project.yml",
    "packages.yml",
    "dependencies.yml",
    "profiles.yml",
    "profiles.example.yml",
)
FOLDERS = ("models", "seeds", "snapshots", "macros", "analyses", "tests")
NAMED = re.compile(
    r"(^|_)(password|passwd|pwd|passphrase|secret|token|salt|pepper|kek|credentials?"
    r"|api_?key|access_?key|secret_?key|private_?key|encryption_?key|hmac_?key|signing_?key)$",
    re.IGNORECASE,
)
DIGESTS = re.compile(r"hash|sha\d*|checksum|digest|commit|revision|fingerprint", re.IGNORECASE)
# A private key in PEM; 32 bytes in hexadecimal or in base64, which is what veil's keys look like.
MATERIAL = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|(?<![0-9A-Za-z+/])(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)(?![0-9A-Za-z+/=])"
)
ENV_VAR = re.compile(r"env_var\(\s*['\"](\w+)['\"]\s*(?:,\s*['\"]([^'\"]*)['\"])?")
PLACEHOLDER = re.compile(
    r"|\.{3,}|…|<.*>|x{3,}|\*{3,}|change[-_ ]?me|your[-_ ].*|todo", re.IGNORECASE
)
ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")
EXAMPLE = (".example", ".sample", ".template", ".dist")


def no_secret_in_yaml(place: Place) -> Iterator[Finding]:
    """Passwords, tokens and key material in the project's YAML, vars included."""
    for path in _yaml_files(place):
        shown = place.shown(path)
        found = scalars(path)
        if found is None:
            yield error(
                f"`{shown}` cannot be read as YAML, so nothing in it was checked.",
                "Run `dbt parse` to see where it is broken.",
                file=shown,
            )
            continue
        for one in found:
            if _in_clear(one):
                yield error(
                    f"`{shown}` holds a secret in clear under `{'.'.join(one.keys)}`.",
                    "Take it out, make a new one, and remove target/ and logs/, where dbt copies"
                    " vars and profiles to.",
                    file=shown,
                    line=one.line,
                )
    for folder in FOLDERS:
        for path in sorted((place.root / folder).rglob("*.y*ml")):
            yield from _material_lines(place, path)


def secrets_stay_hidden(place: Place) -> Iterator[Finding]:
    """Secrets that come from the environment, by a name that dbt hides, and not into a profile."""
    for path in _yaml_files(place):
        shown = place.shown(path)
        for one in scalars(path) or []:
            names = [name for name, _default in ENV_VAR.findall(one.value)]
            if not names or not NAMED.search(one.name):
                continue
            where = f"`{shown}` reads `{'.'.join(one.keys)}` from"
            if not all(name.startswith(SECRET_PREFIX) for name in names):
                yield error(
                    f"{where} an environment variable that dbt writes into target/ and logs/.",
                    f"Give the variable a name that begins with `{SECRET_PREFIX}`.",
                    file=shown,
                    line=one.line,
                )
            elif path.name == "profiles.yml":
                yield warning(
                    f"{where} the environment into the profile, which any model can print"
                    " (`adapter.config.credentials`) and `dbt debug` writes to logs/.",
                    "Let a plugin read it; veil's own keys need no line in the profile.",
                    file=shown,
                    line=one.line,
                )


def env_file_is_kept_apart(place: Place) -> Iterator[Finding]:
    """A `.env` beside the project: whoever takes the folder takes the key with it."""
    for path in sorted(place.root.glob(".env*")):
        if not path.is_file():
            continue
        shown = place.shown(path)
        is_example = path.name.endswith(EXAMPLE)
        for number, line in enumerate(_lines(path), start=1):
            found = ENV_LINE.match(line)
            if not found or line.lstrip().startswith("#"):
                continue
            name, value = found.group(1), found.group(2).strip("'\"")
            secret = name.startswith(SECRET_PREFIX) or NAMED.search(name) or MATERIAL.search(value)
            if not secret or PLACEHOLDER.fullmatch(value):
                continue
            kind = error if is_example or path.stat().st_mode & 0o077 else warning
            yield kind(
                f"`{shown}` holds a secret in clear, `{name}`.",
                "Keep it outside the project's folder, in a secret store or the CI's secrets.",
                file=shown,
                line=number,
            )


def key_lies_outside(place: Place) -> Iterator[Finding]:
    """The key-encryption key: in the project's folder it would be copied with what it locks."""
    try:
        document = json.loads(place.project.keyring.read_text(encoding="utf-8"))
        references = {str(entry.get("kek_ref")) for entry in document["entries"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # `veil keys verify` says what is wrong with a keyring
    for reference in sorted(references):
        if not reference.startswith("file:"):
            continue
        text = reference.removeprefix("file:")
        path = place.home / text[2:] if text.startswith("~/") else Path(text)
        if path.resolve().is_relative_to(place.root.resolve()):
            yield error(
                "the key-encryption key lies in the project's folder: a copy of the folder is a"
                " copy of the key.",
                "Move it, as docs/decisions/0010 says.",
            )


def _yaml_files(place: Place) -> list[Path]:
    files = [place.root / name for name in YAML_FILES]
    if place.profiles_file is not None:
        files.append(place.profiles_file)
    return [path for path in dict.fromkeys(files) if path.is_file()]


def _in_clear(one: Scalar) -> bool:
    if not one.is_text or PLACEHOLDER.fullmatch(one.value.strip()):
        return False
    if MATERIAL.search(one.value) and not DIGESTS.search(one.name):
        return True
    # Under `attach`, `secret` is the name of a secret and no secret.
    if not NAMED.search(one.name) or one.keys[-2:] == ("attach", "secret"):
        return False
    if "{{" in one.value:
        return any(default for _name, default in ENV_VAR.findall(one.value))
    return True


def _material_lines(place: Place, path: Path) -> Iterator[Finding]:
    shown = place.shown(path)
    for number, line in enumerate(_lines(path), start=1):
        if MATERIAL.search(line) and not DIGESTS.search(line):
            yield error(
                f"`{shown}` holds what looks like a key.",
                "Take it out and make a new one; git keeps the old file.",
                file=shown,
                line=number,
            )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


CHECKS = (
    Check("secret_in_clear", "keys and passwords in YAML and vars", no_secret_in_yaml),
    Check("secret_exposed", "where secrets come from", secrets_stay_hidden),
    Check("env_file", "secrets in .env files", env_file_is_kept_apart),
    Check("key_in_project", "where the key-encryption key lies", key_lies_outside),
)
