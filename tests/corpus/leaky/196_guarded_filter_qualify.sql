-- mechanism: guarded_filter
-- rule: steered_rows
-- column: region
-- path: psn_people.income -> max()
with c as (
    select region, count(distinct person_key) as n, max(income) as top
    from {{ ref('psn_people') }}
    group by region
)
select region, n
from c
where n >= 11
qualify rank() over (order by top) = 1
