-- shows: present in either year
with

earlier as (

    select distinct person_key from {{ ref('psn_jobs') }} where job_year = 2023

),

later as (

    select distinct person_key from {{ ref('psn_jobs') }} where job_year = 2024

),

joined as (

    select
        coalesce(e.person_key, l.person_key) as person_key,
        case
            when e.person_key is null then 'entered'
            when l.person_key is null then 'left'
            else 'stayed'
        end as status
    from earlier as e
    full join later as l on e.person_key = l.person_key

)

select
    status,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from joined
group by status
