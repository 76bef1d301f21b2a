"""What each DuckDB function does to a label: an allow-list, as data, with the reason of each line.

A name that is not here is refused. `tests/python/unit/test_lineage_functions.py` holds the table
against DuckDB's own catalogue: an aggregate is never listed as a plain function, nor the reverse.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from sqlglot import exp


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


class Behaviour(Enum):
    """How a function's result depends on its arguments."""

    PASSES = "passes"
    """The result carries the arguments' labels."""
    CONSTANT = "constant"
    """The result depends on no row."""
    RANDOM = "random"
    """Another draw for every row: what it chooses nobody can count."""
    COUNT = "aggregate_count"
    """Only a number of rows or of distinct values is left; a guard lowers everything."""
    SAFE = "aggregate_safe"
    """Every row counts a little; a guard lowers sensitive and quasi-identifying values."""
    QUANTILE = "aggregate_quantile"
    """As safe, where the fraction is a literal well inside 0 and 1; else a single value."""
    VALUE = "aggregate_value"
    """The value of single rows comes out: nothing lowers it."""
    POSITION = "position"
    """A window function that tells the place in an order, and no value."""
    NEIGHBOUR = "neighbour"
    """A window function that hands over the value of another row."""
    SPREADS = "spreads"
    """One row becomes several; each carries the argument's label."""
    ERROR = "error"
    """Stops the build and prints its argument."""
    REFUSED = "refused"
    """Reads what is no column, or tells what no model needs."""


class Row(NamedTuple):
    behaviour: Behaviour
    reason: str
    names: str


_B = Behaviour
TABLE: tuple[Row, ...] = (
    Row(
        _B.PASSES,
        "text in, text or number out: computed from the text",
        """
        lower lcase upper ucase trim ltrim rtrim lpad rpad left right substr substring
        left_grapheme right_grapheme substring_grapheme length len strlen length_grapheme
        char_length character_length bit_length octet_length reverse replace translate repeat
        concat concat_ws split_part string_split str_split split string_to_array
        string_split_regex str_split_regex regexp_split_to_array strip_accents nfc_normalize
        ascii ord unicode chr format printf bar overlay strpos instr position contains
        starts_with prefix ends_with suffix like_escape ilike_escape not_like_escape
        not_ilike_escape format_bytes parse_formatted_bytes parse_path parse_dirname
        parse_dirpath parse_filename
        """,
    ),
    Row(
        _B.PASSES,
        "matches or takes a part of the text",
        """
        regexp_matches regexp_full_match regexp_extract regexp_extract_all regexp_replace
        regexp_escape
        """,
    ),
    Row(
        _B.PASSES,
        "an encoding or an unkeyed hash: whoever can guess the value can check the guess",
        """
        md5 md5_number md5_number_lower md5_number_upper sha1 sha256 hash base64 to_base64
        from_base64 hex to_hex unhex from_hex bin to_binary unbin from_binary to_base encode
        decode url_encode url_decode create_sort_key icu_sort_key bitstring get_bit set_bit
        bit_position bit_count
        """,
    ),
    Row(
        _B.PASSES,
        "a distance to a chosen text tells the text",
        """
        levenshtein editdist3 damerau_levenshtein jaccard jaro_similarity
        jaro_winkler_similarity hamming mismatches
        """,
    ),
    Row(
        _B.PASSES,
        "arithmetic on the value",
        """
        abs sign signbit ceil ceiling floor round round_even roundbankers trunc even sqrt cbrt
        pow power exp ln log log2 log10 mod fmod fdiv add subtract multiply divide greatest
        least gcd greatest_common_divisor lcm least_common_multiple factorial gamma lgamma
        nextafter isnan isinf isfinite xor sin cos tan cot asin acos atan atan2 sinh cosh tanh
        asinh acosh atanh degrees radians equi_width_bins
        """,
    ),
    Row(
        _B.PASSES,
        "a part of a date, or a date moved",
        """
        year month day quarter week weekday weekofyear isodow isoyear yearweek dayofmonth
        dayofweek dayofyear dayname monthname decade century millennium era hour minute second
        millisecond microsecond nanosecond epoch epoch_ms epoch_us epoch_ns julian last_day
        days_in_month age date_part datepart date_trunc datetrunc date_diff datediff date_sub
        datesub date_add time_bucket strftime strptime try_strptime make_date make_time
        make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz to_timestamp
        timezone timezone_hour timezone_minute normalized_interval to_days to_hours to_minutes
        to_seconds to_milliseconds to_microseconds to_months to_quarters to_years to_weeks
        to_decades to_centuries to_millennia extract
        """,
    ),
    Row(
        _B.PASSES,
        "one of the values comes out",
        """
        coalesce ifnull nullif constant_or_null switch try
        """,
    ),
    Row(
        _B.PASSES,
        "a list is built, read or computed with: the result holds its members",
        """
        list_value list_pack array_value list_concat list_cat array_concat array_cat list_append
        list_prepend array_append array_prepend array_push_back array_push_front array_pop_back
        array_pop_front list_extract list_element array_extract element_at list_slice
        array_slice list_contains list_has array_contains array_has list_has_all list_has_any
        array_has_all array_has_any list_position list_indexof array_position array_indexof
        list_sort list_reverse_sort array_sort array_reverse_sort list_reverse array_reverse
        list_distinct array_distinct list_unique array_unique list_intersect array_intersect
        list_zip array_zip list_where array_where list_select array_select list_resize
        array_resize flatten list_grade_up array_grade_up grade_up array_length cardinality
        array_to_string array_to_string_comma_default list_transform list_apply array_transform
        array_apply apply list_filter array_filter filter list_reduce array_reduce reduce
        list_aggregate list_aggr array_aggregate array_aggr aggregate list_any_value
        list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor list_bool_and
        list_bool_or list_count list_entropy list_first list_histogram list_kurtosis
        list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode
        list_product list_sem list_skewness list_stddev_pop list_stddev_samp list_string_agg
        list_sum list_var_pop list_var_samp list_distance list_cosine_similarity
        list_cosine_distance list_dot_product list_inner_product list_negative_dot_product
        list_negative_inner_product array_distance array_cosine_similarity array_cosine_distance
        array_cross_product array_dot_product array_inner_product array_negative_dot_product
        array_negative_inner_product generate_subscripts
        """,
    ),
    Row(
        _B.PASSES,
        "a struct, map or union is built or read: the result holds its parts",
        """
        row struct_pack struct_extract struct_extract_at struct_insert struct_concat
        struct_update struct_keys struct_values struct_contains struct_has struct_position
        struct_indexof remap_struct array map map_from_entries map_entries map_keys map_values
        map_extract map_extract_value map_concat map_contains map_contains_entry
        map_contains_value union_value union_extract union_tag
        """,
    ),
    Row(
        _B.PASSES,
        "JSON is built or read: the result holds its parts",
        """
        json to_json array_to_json row_to_json json_object json_array json_quote json_extract
        json_extract_string json_extract_path json_extract_path_text json_value json_exists
        json_contains json_keys json_type json_valid json_structure json_array_length
        json_pretty json_merge_patch json_transform json_transform_strict from_json
        from_json_strict
        """,
    ),
    Row(
        _B.PASSES,
        "says what kind of value it is",
        """
        typeof pg_typeof uuid_extract_version uuid_extract_timestamp
        """,
    ),
    Row(
        _B.PASSES,
        "an enum made from data holds the data",
        """
        enum_code enum_first enum_last enum_range enum_range_boundary
        """,
    ),
    Row(
        _B.RANDOM,
        "a draw picks rows by itself, and as noise it averages away",
        """
        random rand gen_random_uuid uuid uuidv4 uuidv7
        """,
    ),
    Row(
        _B.CONSTANT,
        "the clock, a number",
        """
        now today current_date current_time current_timestamp get_current_time
        get_current_timestamp current_localtime current_localtimestamp localtime localtimestamp
        transaction_timestamp pi version
        """,
    ),
    Row(_B.CONSTANT, "says which grouping set a row belongs to", "grouping grouping_id"),
    Row(
        _B.COUNT,
        "how many, and never which",
        """
        count count_star count_if countif regr_count approx_count_distinct
        """,
    ),
    Row(
        _B.SAFE,
        "every row adds a little",
        """
        sum avg mean fsum kahan_sum sumkahan sum_no_overflow favg wavg weighted_avg stddev
        stddev_pop stddev_samp variance var_pop var_samp sem skewness kurtosis kurtosis_pop mad
        entropy geomean geometric_mean corr covar_pop covar_samp regr_avgx regr_avgy
        regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy median
        """,
    ),
    Row(
        _B.QUANTILE,
        "near 0 and 1 it is the value of one person",
        """
        quantile quantile_cont quantile_disc percentile_cont percentile_disc approx_quantile
        reservoir_quantile
        """,
    ),
    Row(
        _B.VALUE,
        "hands out the value of a row, or a collection of them",
        """
        min max any_value arbitrary first last arg_min arg_max argmin argmax min_by max_by
        arg_min_null arg_max_null arg_min_nulls_last arg_max_nulls_last list array_agg
        string_agg group_concat listagg mode histogram histogram_exact approx_top_k
        bitstring_agg json_group_array json_group_object json_group_structure
        """,
    ),
    Row(
        _B.VALUE,
        "one row can decide the result",
        """
        bit_and bit_or bit_xor bool_and bool_or product
        """,
    ),
    Row(
        _B.POSITION,
        "tells the place in the order",
        """
        row_number rank dense_rank rank_dense percent_rank cume_dist ntile
        """,
    ),
    Row(
        _B.NEIGHBOUR,
        "hands over the value of another row",
        """
        lag lead first_value last_value nth_value fill
        """,
    ),
    Row(_B.SPREADS, "one row for each member", "unnest"),
    Row(_B.ERROR, "its argument goes to console, log and run_results.json", "error"),
    Row(
        _B.REFUSED,
        "reads a file",
        """
        read_text read_blob read_csv read_csv_auto read_json read_json_auto read_json_objects
        read_json_objects_auto read_ndjson read_ndjson_auto read_ndjson_objects read_parquet
        parquet_scan parquet_metadata parquet_file_metadata parquet_full_metadata
        parquet_kv_metadata parquet_schema parquet_bloom_probe read_duckdb sniff_csv glob
        """,
    ),
    Row(
        _B.REFUSED,
        "runs SQL or reads a relation that stands in a text",
        """
        query query_table json_execute_serialized_sql json_serialize_sql json_serialize_plan
        json_deserialize_sql
        """,
    ),
    Row(
        _B.REFUSED,
        "reads secrets, settings, variables or the log",
        """
        getvariable current_setting duckdb_secrets which_secret duckdb_settings duckdb_variables
        duckdb_logs duckdb_logs_parsed duckdb_log_contexts parse_duckdb_log_message write_log
        current_query current_query_id current_user current_role session_user user
        current_catalog current_database current_schema current_schemas current_connection_id
        current_transaction_id txid_current in_search_path alias
        """,
    ),
    Row(_B.REFUSED, "prints the least and the greatest value of a column", "stats vector_type"),
    Row(
        _B.REFUSED,
        "changes or reads the state of the connection",
        """
        nextval currval setseed sleep_ms pg_sleep combine finalize
        """,
    ),
)


def _index() -> dict[str, Behaviour]:
    found: dict[str, Behaviour] = {}
    for row in TABLE:
        for name in row.names.split():
            if name in found:
                raise ValueError(f"`{name}` stands twice in the table of functions")
            found[name] = row.behaviour
    return found


BEHAVIOURS = _index()

MASK_PREFIX = "veil_"
"""Functions that the plugin registers; only masks call them."""

_TYPED = {
    # The few calls that have a syntax, or no brackets, and so a node of their own.
    "currentcatalog": "current_catalog",
    "currentdate": "current_date",
    "currentrole": "current_role",
    "currenttime": "current_time",
    "currenttimestamp": "current_timestamp",
    "currentuser": "current_user",
    "sessionuser": "session_user",
    "strposition": "strpos",
}


def function_name(node: exp.Expr) -> str:
    """DuckDB's name, lower case, of the function that a node calls."""
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    return _TYPED.get(node.key, node.key)


def behaviour(name: str) -> Behaviour | None:
    """What a function does; None for one that nobody has looked at."""
    return BEHAVIOURS.get(name)
