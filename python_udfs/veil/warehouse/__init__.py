"""Everything that touches DuckDB: zones, functions, receipts, publishing, synthetic data.

Only the modules in this folder and `veil.plugin` may import duckdb or dbt.
"""
