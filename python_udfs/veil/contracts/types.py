"""DuckDB types, one name each, and the standard's logical types."""

from __future__ import annotations

import re

ALIASES = {
    "int": "integer",
    "int4": "integer",
    "signed": "integer",
    "int8": "bigint",
    "long": "bigint",
    "int2": "smallint",
    "short": "smallint",
    "int1": "tinyint",
    "text": "varchar",
    "string": "varchar",
    "char": "varchar",
    "bpchar": "varchar",
    "bool": "boolean",
    "logical": "boolean",
    "float8": "double",
    "float4": "float",
    "real": "float",
    "numeric": "decimal",
    "datetime": "timestamp",
    "timestamptz": "timestamp with time zone",
}
LOGICAL = {
    "integer": "tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint",
    "number": "float double decimal",
    "string": "varchar uuid enum",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp timestamp_s timestamp_ms timestamp_ns",
    "time": "time",
    "object": "struct map union json",
}
_BY_NAME = {name: logical for logical, names in LOGICAL.items() for name in names.split()}


def physical(data_type: str) -> str:
    """A DuckDB type by its one name, in capitals: `int` and `INTEGER` are `INTEGER`."""
    text = re.sub(r"\s+", " ", data_type.strip().lower())
    found = re.fullmatch(r"(\w+)(.*)", text)
    if found is None:
        return text.upper()
    return (ALIASES.get(found.group(1), found.group(1)) + found.group(2)).upper()


def logical(data_type: str) -> str:
    """The standard's logical type; empty where it has none."""
    text = physical(data_type).lower()
    if text.endswith("]"):
        return "array"
    if text.startswith("timestamp"):
        return "timestamp"
    found = re.match(r"\w+", text)
    return _BY_NAME.get(found.group(), "") if found else ""
