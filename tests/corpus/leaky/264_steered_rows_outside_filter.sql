-- mechanism: steered_rows
-- rule: steered_rows
-- column: region
-- path: psn_people.income -> max()
with c as (
    select region, count(distinct person_key) as n, max(income) as top
    from {{ ref('psn_people') }}
    group by region
)
select region, case when n >= 11 then n end as n
from c
where top > 100000
