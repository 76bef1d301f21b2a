-- mechanism: sql_in_text
-- rule: table_function
-- runs: no
with x as (from query('from raw_people')) select * from x
