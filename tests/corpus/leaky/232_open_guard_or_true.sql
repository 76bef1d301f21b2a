-- mechanism: open_guard
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> case -> m
-- also: personal_rows
select region, case when count(distinct person_key) >= 11 or region = 'north' then avg(income) end as m
from {{ ref('psn_people') }}
group by region
