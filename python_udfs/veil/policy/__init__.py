"""The policy that stands in the YAML: read from dbt's graph, hashed, and checked. No database."""
