-- mechanism: window_over_cells
-- rule: unguarded_aggregate
-- column: total
-- path: psn_people.person_key -> count() -> sum() -> total
with c as (
    select region, count(distinct person_key) as n
    from {{ ref('psn_people') }}
    group by region
)
select region, case when n >= 11 then n end as n, sum(n) over () as total
from c
