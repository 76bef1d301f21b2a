-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.* -> count() -> n
-- also: personal_rows
select distinct region, count(*) over (partition by region) as n from {{ ref('psn_people') }}
