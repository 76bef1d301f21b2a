-- mechanism: sql_in_text
-- rule: table_function
-- also: refused_function
select * from json_execute_serialized_sql(json_serialize_sql('select 1'))
