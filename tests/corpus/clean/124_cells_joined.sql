-- shows: cells joined
with p as (
    from {{ ref('psn_people') }}
), n as (
    select region, case when count(distinct person_key) >= 11 then count(distinct person_key) end n
    from p
    group by region
), m as (
    select region, case when count(distinct person_key) >= 11 then avg(income) end m
    from p
    group by region
)
select *
from n
join m using (region)
