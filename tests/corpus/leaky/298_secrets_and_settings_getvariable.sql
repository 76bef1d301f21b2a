-- mechanism: secrets_and_settings
-- rule: refused_function
-- column: x
select getvariable('key') as x
