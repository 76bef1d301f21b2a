-- mechanism: guarded_filter
-- rule: steered_rows
-- column: region
-- path: psn_people.income -> sum()
with c as (
    select region, count(distinct person_key) as n, sum(income) filter (where age = 97) as old
    from {{ ref('psn_people') }}
    group by region
)
select region, n
from c
where n >= 11 and old > 0
