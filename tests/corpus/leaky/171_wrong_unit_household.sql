-- mechanism: wrong_unit
-- rule: guard_unit
-- column: m
-- path: psn_people.income -> avg() -> case -> m
select region, case when count(distinct household_key) >= 11 then avg(income) end as m
from {{ ref('psn_people') }}
group by region
