-- mechanism: file_reader
-- rule: table_function
select * from glob('warehouse/*')
