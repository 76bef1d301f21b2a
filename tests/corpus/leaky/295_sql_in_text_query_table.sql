-- mechanism: sql_in_text
-- rule: table_function
select * from query_table('identified.main.raw_people')
