-- mechanism: low_threshold
-- rule: guard_threshold
-- column: m
-- path: psn_people.income -> avg() -> case -> m
select region, case when count(distinct person_key) > 9 then avg(income) end as m
from {{ ref('psn_people') }}
group by region
