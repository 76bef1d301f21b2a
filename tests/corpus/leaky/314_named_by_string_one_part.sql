-- mechanism: named_by_string
-- rule: unknown_relation
-- runs: no
select ssn from raw_people
