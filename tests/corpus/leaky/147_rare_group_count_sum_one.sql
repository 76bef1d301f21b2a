-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.* -> sum() -> n
-- also: personal_rows
select region, sum(1) as n from {{ ref('psn_people') }} group by region
