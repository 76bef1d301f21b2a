-- mechanism: secrets_and_settings
-- rule: refused_function
-- column: x
select current_query() as x
