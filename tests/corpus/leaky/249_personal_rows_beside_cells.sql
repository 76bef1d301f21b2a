-- mechanism: personal_rows
-- rule: personal_rows
-- column: age
-- path: psn_people.age -> age
with c as (
    select region, case when count(distinct person_key) >= 11 then avg(income) end as m
    from {{ ref('psn_people') }}
    group by region
)
select p.age, c.m
from {{ ref('psn_people') }} as p
join c on p.region = c.region
