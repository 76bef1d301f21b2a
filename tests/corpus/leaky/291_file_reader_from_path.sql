-- mechanism: file_reader
-- rule: unknown_relation
-- runs: no
select * from 'seeds/people.csv'
