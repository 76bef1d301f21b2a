-- mechanism: window_over_cells
-- rule: unguarded_aggregate
-- column: so_far
-- path: psn_people.person_key -> count() -> sum() -> so_far
select region, case when count(distinct person_key) >= 11 then avg(income) end as m, sum(count(distinct person_key)) over (order by region) as so_far
from {{ ref('psn_people') }}
group by region
