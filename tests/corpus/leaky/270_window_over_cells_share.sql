-- mechanism: window_over_cells
-- rule: unguarded_aggregate
-- column: share
-- path: psn_people.person_key -> count() -> case -> share
select region, case when count(distinct person_key) >= 11 then count(distinct person_key) / sum(count(distinct person_key)) over () end as share
from {{ ref('psn_people') }}
group by region
