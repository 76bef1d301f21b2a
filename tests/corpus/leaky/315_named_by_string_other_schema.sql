-- mechanism: named_by_string
-- rule: unknown_relation
-- runs: no
select * from "identified"."dbt_test__audit"."not_null_raw_people"
