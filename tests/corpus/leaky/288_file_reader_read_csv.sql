-- mechanism: file_reader
-- rule: table_function
-- runs: no
select * from read_csv('seeds/people.csv')
