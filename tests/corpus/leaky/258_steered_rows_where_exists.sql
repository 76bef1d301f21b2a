-- mechanism: steered_rows
-- rule: steered_rows
-- column: region
-- path: psn_people.region
with c as (
    select region, case when count(distinct person_key) >= 11 then avg(income) end as m
    from {{ ref('psn_people') }}
    group by region
)
select *
from c
where exists (
    select 1
    from {{ ref('psn_people') }} as p
    where p.region = c.region and p.age = 97
)
