-- mechanism: window_over_cells
-- rule: unguarded_aggregate
-- column: place
-- path: psn_people.person_key -> count() -> place
select region, case when count(distinct person_key) >= 11 then avg(income) end as m, rank() over (order by count(distinct person_key)) as place
from {{ ref('psn_people') }}
group by region
