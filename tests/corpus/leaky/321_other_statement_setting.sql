-- mechanism: other_statement
-- rule: statement
set enable_external_access = true
