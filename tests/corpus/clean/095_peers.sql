-- shows: who earns more than the guarded mean of the region
with

means as (

    select
        region,
        case when count(distinct person_key) >= 11 then avg(income) end as income_mean
    from {{ ref('psn_people') }}
    group by region

)

select
    p.sex,
    p.region,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_above
from {{ ref('psn_people') }} as p
inner join means on p.region = means.region
where p.income > means.income_mean
group by p.sex, p.region
