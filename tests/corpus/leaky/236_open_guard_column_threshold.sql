-- mechanism: open_guard
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> case -> m
-- also: personal_rows
select p.region, case when count(distinct p.person_key) >= max(c.low) then avg(p.income) end as m
from {{ ref('psn_people') }} as p
cross join {{ ref('dim_codes') }} as c
group by p.region
