-- mechanism: guard_elsewhere
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> case -> m
-- also: personal_rows
select region, case when count(distinct person_key) over () >= 11 then avg(income) over (partition by region) end as m
from {{ ref('psn_people') }}
