"""What is known of dbt's context, its adapters and its own macros: lists, with reasons.

Macros of the packages `dbt`, `dbt_duckdb` and `veil` are judged by these lists; those of all other
packages are walked. What stands in no list is refused.
"""

from __future__ import annotations

import re

LISTED = frozenset({"dbt", "dbt_duckdb", "veil"})
BUILT_IN = frozenset({"dbt", "dbt_duckdb"})
ADAPTERS = ("default", "duckdb")
"""Prefixes under which `adapter.dispatch` finds an implementation on DuckDB."""
_PREFIX = re.compile(rf"(?:{'|'.join(ADAPTERS)})__")


def base_name(name: str) -> str:
    """A macro's name without the prefix of an adapter."""
    return _PREFIX.sub("", name, count=1) if _PREFIX.match(name) else name


DATA_NAMES = frozenset(
    """
    column compiled_code config connection_name database database_schemas dbt_metadata_envs
    dbt_version defer_relation diff_of_two_dicts doc env env_var exceptions execute flags fromjson
    fromyaml graph invocation_args_dict invocation_id local_md5 log model modules post_hooks
    pre_hooks print project_name results return run_started_at schema schemas selected_resources
    set set_strict source_node sql sql_now target thread_id tojson toyaml try_or_compiler_error
    validation var zip zip_strict
    caller cycler dict joiner kwargs lipsum loop namespace range varargs
    """.split()
)
"""Names of the context that read nothing from a database: settings, the graph, pure functions."""

PLACES = frozenset({"database", "schema", "target", "this"})
"""Of these, what names the run's own place, so that a relation built from it stays there."""

POWERS = frozenset(
    {"adapter", "api", "builtins", "context", "function", "metric", "ref", "render", "source"}
)
"""Names that give more than data; each use is looked at on its own."""

READING_NAMES = {
    "_sql_results": "holds the rows of every statement",
    "adapter_macro": "calls a macro by its name as text",
    "load_agate_table": "reads the rows of a seed",
    "load_result": "gives the rows of a statement",
    "self": "calls blocks that cannot be followed",
    "store_raw_result": "puts rows under the name of a statement",
    "store_result": "puts rows under the name of a statement",
    "submit_python_job": "runs Python",
    "super": "calls blocks that cannot be followed",
    "write": "writes a file",
}

ATTRIBUTES = {
    "config": frozenset(
        """get meta_get meta_require persist_column_docs persist_relation_docs require
        set""".split()
    ),
    "var": frozenset({"has_var"}),
}
"""Attributes of context functions that may be used; `ref.db_wrapper`, for one, is an adapter."""
FREE_ATTRIBUTES = frozenset(
    """
    caller database_schemas dbt_metadata_envs defer_relation env exceptions flags graph
    invocation_args_dict kwargs loop model modules post_hooks pre_hooks results run_started_at
    schemas selected_resources source_node target this validation varargs database schema sql
    compiled_code column
    """.split()
)
"""Names whose attributes are data."""

ADAPTER_METHODS = frozenset(
    """
    already_exists behavior build_catalog_relation cache_added cache_dropped cache_renamed
    check_schema_exists dispatch
    escape_sql_string external_root get_binding_char get_columns_in_relation get_columns_in_table
    get_hard_deletes_behavior get_missing_columns get_relation is_ducklake is_motherduck
    disable_transactions quote quote_as_configured quote_seed_column type
    render_raw_columns_constraints
    render_raw_model_constraints valid_incremental_strategies warn_once
    """.split()
)
"""Adapter methods that read names and types of columns at most."""
BRIDGES = frozenset({"store_relation"})
"""What hands a request to a plugin: veil's own way in, for nobody else."""

DANGEROUS_ATTRIBUTES = frozenset(
    """
    add_query call_macro create_from_source credentials db_wrapper drop_relation execute get_macro
    get_column_schema_from_query get_partitions_metadata manifest run_sql_for_tests store_relation
    submit_python_job truncate_relation
    """.split()
)
"""Refused on any object: a second fence, in case a power got among the data after all."""

_TEXT = """
    _split_part_negative any_value array_append array_concat array_construct bool_or cast
    cast_bool_to_text concat current_timestamp current_timestamp_backcompat
    current_timestamp_in_utc_backcompat date date_trunc dateadd datediff default_last_day equals
    escape_single_quotes except generate_series hash intersect last_day length listagg position
    replace right safe_cast snapshot_get_time snapshot_hash_arguments snapshot_string_as_time
    split_part string_literal type_bigint type_boolean type_float type_int type_numeric
    type_string type_timestamp
"""
_DATES = """
    convert_datetime dates_in_range get_powers_of_two partition_range py_current_timestring
"""
_NAMES = """
    generate_alias_name generate_database_name generate_latest_version_pointer_alias
    generate_schema_name generate_schema_name_for_env make_backup_relation
    make_intermediate_relation make_temp_relation
"""
_STATE = "is_incremental should_full_refresh should_store_failures"
_STRUCTURE = """
    diff_column_data_types diff_columns format_column format_columns format_row
    get_columns_in_relation get_expected_sql get_fixture_sql get_limit_sql get_limit_subquery_sql
    get_list_of_column_names get_quoted_csv get_where_subquery information_schema_name
    load_cached_relation load_relation validate_fixture_rows
"""
_TESTS = "test_accepted_values test_not_null test_relationships test_unique"
_HOOKS = "after_commit before_begin in_transaction make_hook_config"

TEXT_MACROS = frozenset(_TEXT.split())
"""Macros of dbt that write a piece of SQL from their arguments alone."""
HARMLESS_MACROS: dict[str, str] = {
    name: reason
    for names, reason in (
        (_TEXT, "writes a piece of SQL from its arguments"),
        (_DATES, "counts with dates in Jinja"),
        (_NAMES, "makes a name"),
        (_STATE, "asks for the state of the run, or whether a table exists"),
        (_STRUCTURE, "reads names and types of columns, or writes SQL from them"),
        (_TESTS, "writes the SQL of a test"),
        (_HOOKS, "writes the setting of a hook; the hook itself is looked at"),
    )
    for name in names.split()
}
OVERRIDABLE = frozenset(name for name in _NAMES.split() if name.startswith("generate_"))
"""Macros that dbt asks projects to define themselves."""
GUARDED = frozenset({"get_limit_sql", "get_limit_subquery_sql", "get_where_subquery"})
"""Harmless to call, but a project that redefines one changes what every test reads."""

VEIL_MACROS = {
    **dict.fromkeys(("pseudonymize", "typed"), "writes SQL from the YAML and the columns' types"),
    "dp_aggregate": "writes the select that a differential release bounds and aggregates",
    "suppress_small": "writes the SQL of a guarded aggregate",
    "test_no_stale_kid": "writes the SQL of a test",
    "test_no_small_cells": "writes the SQL of a test",
    **dict.fromkeys(
        """
        mask_age_band mask_bottom_code mask_bucket mask_constant mask_email_domain mask_generalize
        mask_ip_prefix mask_keep mask_noise mask_partial mask_postcode_prefix mask_pseudonym
        mask_random_token mask_redact mask_round_to mask_shift_date mask_top_code mask_truncate_date
        """.split(),
        "writes the SQL of a mask",
    ),
}
"""Macros of veil that a model may call."""
VEIL_HOOKS = frozenset({"check_model", "finish_run", "gate_model", "publish", "start_run"})
"""Macros of veil that belong into a hook or an operation, and nowhere else."""
