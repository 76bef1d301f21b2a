-- shows: star without a few
with people as (

    select * exclude (income, diagnosis, extras) replace (upper(region) as region)
    from {{ ref('psn_people') }}

)

select
    region,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from people
group by region
