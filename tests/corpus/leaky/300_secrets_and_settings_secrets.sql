-- mechanism: secrets_and_settings
-- rule: table_function
select * from duckdb_secrets()
