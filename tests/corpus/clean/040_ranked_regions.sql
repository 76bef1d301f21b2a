-- shows: rank over guarded cells
with cells as (

    select
        region,
        case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
    from {{ ref('psn_people') }}
    group by region

)

select
    region,
    people_count,
    rank() over (order by people_count desc) as place
from cells
qualify place <= 5
