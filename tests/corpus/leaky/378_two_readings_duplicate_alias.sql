-- mechanism: two_readings
-- rule: guard_unit
-- column: m
-- path: psn_people.income -> avg() -> case -> m
-- also: unguarded_aggregate
select region, count(distinct person_key) as n, 100 as n, case when n >= 11 then avg(income) end as m
from {{ ref('psn_people') }}
group by region
