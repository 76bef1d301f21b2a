-- mechanism: named_by_string
-- rule: unknown_relation
-- runs: no
select * from board.main.people
