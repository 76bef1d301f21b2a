-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.age -> count_if() -> n
-- also: personal_rows
select region, count_if(age > 90) as n from {{ ref('psn_people') }} group by region
