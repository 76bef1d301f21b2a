-- mechanism: steered_rows
-- rule: personal_rows
-- column: region
-- path: psn_people.region -> join -> region
with c as (
    select region, case when count(distinct person_key) >= 11 then avg(income) end as m
    from {{ ref('psn_people') }}
    group by region
)
select *
from c
semi join (
    select region
    from {{ ref('psn_people') }}
    where age = 97
) as x on c.region = x.region
