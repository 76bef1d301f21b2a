-- mechanism: secrets_and_settings
-- rule: unknown_relation
select table_name from information_schema.tables
