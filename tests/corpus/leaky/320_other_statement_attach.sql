-- mechanism: other_statement
-- rule: statement
-- runs: no
attach 'leak.duckdb' as leak
