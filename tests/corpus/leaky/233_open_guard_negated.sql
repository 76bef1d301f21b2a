-- mechanism: open_guard
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> case -> m
select region, case when not (count(distinct person_key) >= 11) then avg(income) end as m
from {{ ref('psn_people') }}
group by region
