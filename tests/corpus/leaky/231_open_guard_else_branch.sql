-- mechanism: open_guard
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> sum() -> case -> m
select region, case when count(distinct person_key) >= 11 then avg(income) else sum(income) end as m
from {{ ref('psn_people') }}
group by region
