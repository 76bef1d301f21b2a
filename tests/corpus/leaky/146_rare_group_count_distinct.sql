-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.person_key -> count() -> n
-- also: personal_rows
select region, count(distinct person_key) as n from {{ ref('psn_people') }} group by region
