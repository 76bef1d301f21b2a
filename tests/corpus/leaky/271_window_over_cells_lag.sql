-- mechanism: window_over_cells
-- rule: unguarded_aggregate
-- column: before
-- path: psn_people.person_key -> count() -> lag() -> case -> before
select region, case when count(distinct person_key) >= 11 then lag(count(distinct person_key)) over (order by region) end as before
from {{ ref('psn_people') }}
group by region
