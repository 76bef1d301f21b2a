-- mechanism: unguarded_mean
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> m
-- also: personal_rows
select region, avg(income) as m from {{ ref('psn_people') }} group by region
