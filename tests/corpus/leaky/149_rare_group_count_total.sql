-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.* -> count() -> n
select count(*) as n from {{ ref('psn_people') }}
