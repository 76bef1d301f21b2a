-- mechanism: guard_elsewhere
-- rule: guard_unit
-- column: m
-- path: psn_people.income -> avg() -> case -> m
-- also: personal_rows unguarded_aggregate
with c as (
    select region, count(distinct person_key) as n, avg(income) as m
    from {{ ref('psn_people') }}
    group by region
)
select region, case when sum(n) over () >= 11 then m end as m
from c
