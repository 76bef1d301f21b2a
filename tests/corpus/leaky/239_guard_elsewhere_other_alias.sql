-- mechanism: guard_elsewhere
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> m
-- also: personal_rows
with c as (
    select region, count(distinct person_key) as n, avg(income) as m
    from {{ ref('psn_people') }}
    group by region
)
select b.region, b.m
from c as a
cross join c as b
where a.n >= 11
