-- mechanism: sql_in_text
-- rule: table_function
select * from query('select * from identified.main.raw_people')
