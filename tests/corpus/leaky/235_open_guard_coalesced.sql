-- mechanism: open_guard
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> coalesce() -> m
select region, coalesce(case when count(distinct person_key) >= 11 then avg(income) end, avg(income) + 1) as m
from {{ ref('psn_people') }}
group by region
