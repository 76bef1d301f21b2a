"""veil: privacy-first analytics with dbt on DuckDB."""

__version__ = "0.1.0"
