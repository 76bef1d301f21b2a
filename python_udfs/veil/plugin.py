"""The dbt-duckdb plugin: the one place where veil enters a dbt connection.

In `profiles.yml`::

    plugins:
      - module: veil.plugin
        alias: veil

The plugin takes no settings: whatever it held, any model could print through
`adapter.config.credentials`. It finds the project from the working folder, reads the keyring
itself, attaches the zones, registers the mask functions and locks the connection.
"""

from __future__ import annotations

import csv
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt_common.events.base_types import EventLevel
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note
from dbt_common.exceptions import DbtRuntimeError

from veil.errors import VeilError
from veil.process import forbid_core_files
from veil.warehouse.bridge import answer
from veil.warehouse.cursors import guard_cursors
from veil.warehouse.run_checks import check_run
from veil.warehouse.session import Session
from veil.warehouse.zones import close_zones, connection_options

LONGEST_FIELD = 2**24
"""Characters in one field of a seed; DuckDB's own reader takes lines of 2 MB."""

WEAKENING = frozenset(
    {
        "allow_community_extensions",
        "allow_persistent_secrets",
        "custom_extension_repository",
        "enable_external_access",
        "enable_logging",
        "force_mbedtls_unsafe",
        "secret_directory",
    }
)
"""Options of DuckDB that no profile may set. Those that veil sets itself are overwritten."""
OUTSIDE = (
    "veil: no zone is attached. `dbt show` and operations of your own would print or write what no"
    " gate has seen. `veil show` prints what is published."
)


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt-duckdb has no type information
    """Opens a veil session on each new DuckDB connection and answers the package's macros."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self._session: Session | None = None
        self._problem: DbtRuntimeError | None = None
        guard_cursors()
        forbid_core_files()
        # dbt reads a seed with Python's csv first, which stops at 131,072 characters a field.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))
        if plugin_config:
            raise DbtRuntimeError(
                "veil: the plugin takes no `config`, and target `settings` would reach it:"
                " any model can print them. Remove both from the profile."
            )

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Set what must be set before DuckDB connects; a profile may not weaken it."""
        if creds.path != ":memory:":
            raise DbtRuntimeError(
                "veil: the profile's `path` must be ':memory:'. Any other file would be written"
                " in clear; the zones are attached by the plugin."
            )
        if creds.disable_transactions:
            raise DbtRuntimeError(
                "veil: the profile sets `disable_transactions`, so no gate could roll a table back."
                " Remove it."
            )
        if creds.attach:
            raise DbtRuntimeError(
                "veil: the profile has `attach`, but the plugin closes the connection before dbt"
                " comes to it. Declare outside data as a source with an `external_location`."
            )
        for name in sorted(WEAKENING & config.keys()):
            raise DbtRuntimeError(
                f"veil: the profile sets `{name}`, which weakens the connection. Remove it."
            )
        try:
            options = connection_options(Session.locate())
        except VeilError as error:
            raise DbtRuntimeError(f"veil: {error}") from None
        for name, value in options.items():
            config.pop(name, None)
            config[name] = value

    def configure_connection(self, conn: Any) -> None:
        # dbt connects again after a failure; the second attempt would fail for another reason and
        # hide the first.
        if self._problem is None:
            try:
                self._session = Session.open(conn)
                if Session.stays_outside():
                    fire_event(Note(msg=OUTSIDE), level=EventLevel.WARN)
                elif not Session.is_build():
                    # A build asks in its first hook; these commands have none, or pass it by.
                    check_run(self._session.project)
                return
            except VeilError as error:
                self._problem = DbtRuntimeError(f"veil: {error}")
            except Exception as error:
                # The text of an unforeseen error may quote a statement that holds a key.
                self._problem = DbtRuntimeError(
                    f"veil: the connection cannot be prepared ({type(error).__name__})."
                    " Run `veil keys verify`; if that is fine, please report it."
                )
            close_zones(conn)
        raise self._problem

    def store(self, target_config: TargetConfig) -> None:
        """Answer a request of the macro `_bridge`; the answer is put into the request itself."""
        request = target_config.config
        if self._session is None:
            request["refusal"] = "the connection is not open yet."
            return
        try:
            request["answer"] = answer(self._session, request["call"], request["payload"])
        except VeilError as error:
            request["refusal"] = str(error)
