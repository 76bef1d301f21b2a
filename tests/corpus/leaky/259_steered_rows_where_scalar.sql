-- mechanism: steered_rows
-- rule: steered_rows
-- column: region
-- path: psn_people.age -> max()
with c as (
    select region, case when count(distinct person_key) >= 11 then avg(income) end as m
    from {{ ref('psn_people') }}
    group by region
)
select *
from c
where (
    select max(age)
    from {{ ref('psn_people') }}
) > 100
