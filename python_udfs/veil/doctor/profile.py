"""Checks of the dbt profile: what it leads around the plugin, and what weakens DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from veil.doctor.check import Check, error, note, warning
from veil.doctor.place import PLUGIN, Place, uses_plugin
from veil.findings import Finding

WEAK_SETTINGS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    # name -> (whether a value weakens, what it does)
    "force_mbedtls_unsafe": (bool, "replaces OpenSSL by a library without its hardening"),
    "temp_file_encryption": (lambda value: not value, "writes spill files in clear"),
    "allow_unsigned_extensions": (bool, "lets unsigned code into the process"),
    "allow_community_extensions": (bool, "lets third-party code into the process"),
    "allow_extensions_metadata_mismatch": (bool, "loads extensions of another build"),
    "autoinstall_known_extensions": (bool, "downloads code while it builds"),
    "autoload_known_extensions": (bool, "loads code that nobody chose"),
    "custom_extension_repository": (bool, "downloads code from elsewhere"),
    "autoinstall_extension_repository": (bool, "downloads code from elsewhere"),
    "enable_external_access": (bool, "opens files and the network to SQL"),
    "lock_configuration": (lambda value: not value, "lets a model change DuckDB's settings"),
    "allowed_directories": (bool, "opens more folders to SQL"),
    "allowed_paths": (bool, "opens more files to SQL"),
    "allow_persistent_secrets": (bool, "keeps secrets in files in clear"),
    "log_query_path": (bool, "writes every statement to a file, zone keys included"),
    "enable_logging": (bool, "keeps every statement, zone keys included"),
    "enable_profiling": (bool, "writes statements to files"),
    "profiling_output": (bool, "writes statements to files"),
}
"""What a `config_options` or `settings` entry takes away (DuckDB 1.5 configuration reference).

The plugin sets some of these itself and locks them; a target without the plugin would follow.
"""
OUTWARD = {
    "filesystems": "gives SQL further file systems",
    "remote": "sends every statement to another server",
    "motherduck_token": "sends data to another service",
    "use_credential_provider": "hands cloud credentials to SQL",
}


def profile_can_be_read(place: Place) -> Iterator[Finding]:
    """Without a profile nothing below was checked."""
    if place.profiles_file is None:
        yield warning("there is no profiles.yml.", "Run `veil init`.")
    elif not place.outputs:
        yield error(
            "the profile that dbt_project.yml names cannot be read, so nothing in it was checked.",
            "See `profile:` in dbt_project.yml, and `dbt debug`.",
            file=place.shown(place.profiles_file),
        )
    elif place.target in place.outputs and not uses_plugin(place.outputs[place.target]):
        yield error(
            f"the target `{place.target}`, which dbt takes by itself, does not load veil's plugin.",
            f"Add `plugins: [{{module: {PLUGIN}, alias: veil}}]` to it.",
            file=place.shown(place.profiles_file),
        )


def nothing_is_written_in_clear(place: Place) -> Iterator[Finding]:
    """`path` and `attach`: files that the plugin does not encrypt."""
    for name, output, file in _duckdb_targets(place):
        path = output.get("path", ":memory:")
        if path != ":memory:":
            yield error(
                f"target `{name}` builds into a file of its own, in clear.",
                'Write `path: ":memory:"`; the plugin attaches the encrypted zones.',
                file=file,
            )
        if output.get("attach"):
            yield error(
                f"target `{name}` attaches databases that veil does not know."
                + (
                    " The build stops: the connection is locked by then."
                    if uses_plugin(output)
                    else ""
                ),
                "Take `attach` out; hand the data in as a source under data/.",
                file=file,
            )
        database = str(output.get("database", ""))
        if database.startswith(("md:", "motherduck:", "ducklake:")):
            yield error(f"target `{name}` writes to another service.", file=file)


def settings_do_not_weaken(place: Place) -> Iterator[Finding]:
    """`config_options` and `settings` that open a door."""
    for name, output, file in _duckdb_targets(place):
        for block in ("config_options", "settings"):
            options = output.get(block)
            for option, value in (options if isinstance(options, dict) else {}).items():
                weakens, harm = WEAK_SETTINGS.get(str(option).lower(), (None, ""))
                if weakens is not None and weakens(_value(value)):
                    yield error(
                        f"target `{name}` sets `{option}`, which {harm}.",
                        f"Take it out of `{block}`.",
                        file=file,
                    )
        if output.get("settings") and uses_plugin(output):
            yield error(
                f"target `{name}` has `settings`, which any model can print; the plugin refuses"
                " them.",
                "Move what is harmless to `config_options`.",
                file=file,
            )
        if output.get("disable_transactions"):
            yield error(
                f"target `{name}` sets `disable_transactions`, so no gate can roll a table back.",
                "Take it out.",
                file=file,
            )
        if output.get("keep_open") is False:
            yield note(
                f"target `{name}` sets `keep_open: false`: the zones are opened anew, key and"
                " all, each time the last connection closes.",
                "Take it out.",
                file=file,
            )


def nothing_leads_outward(place: Place) -> Iterator[Finding]:
    """Other services, cloud secrets and foreign code on the connection that sees everything."""
    for name, output, file in _duckdb_targets(place):
        for key, harm in OUTWARD.items():
            if output.get(key):
                yield error(f"target `{name}` has `{key}`, which {harm}.", file=file)
        if output.get("secrets"):
            yield warning(
                f"target `{name}` has `secrets`, which any model can print.",
                "Hand the data in as a source under data/.",
                file=file,
            )
        if output.get("extensions"):
            yield warning(
                f"target `{name}` has `extensions`, which are downloaded while it builds.",
                "Take them out, or install them from a package with a lock.",
                file=file,
            )
        if output.get("module_paths"):
            yield warning(
                f"target `{name}` loads Python from `module_paths` into the build.", file=file
            )
        for plugin in output.get("plugins") or []:
            module = plugin.get("module") if isinstance(plugin, dict) else None
            if module != PLUGIN:
                yield warning(
                    f"target `{name}` loads a plugin beside veil's; it sees every zone.",
                    "Keep only what you have read.",
                    file=file,
                )
            elif isinstance(plugin, dict) and plugin.get("config"):
                yield error(
                    f"target `{name}` gives veil's plugin a `config`, which any model can print.",
                    "Take it out.",
                    file=file,
                )


def _duckdb_targets(place: Place) -> Iterator[tuple[str, dict[str, Any], str]]:
    file = place.shown(place.profiles_file) if place.profiles_file else ""
    for name, output in sorted(place.outputs.items()):
        if output.get("type") == "duckdb":
            yield name, output, file


def _value(value: object) -> object:
    """A setting as DuckDB takes it: `"false"` and `off` are false."""
    if isinstance(value, str):
        return value.strip().lower() not in {"", "false", "off", "0", "no"}
    return value


CHECKS = (
    Check("profile", "the profile, and veil's plugin in it", profile_can_be_read),
    Check("profile_files", "files that the profile opens", nothing_is_written_in_clear),
    Check("profile_settings", "settings that weaken DuckDB", settings_do_not_weaken),
    Check("profile_outward", "services and code that the profile lets in", nothing_leads_outward),
)
