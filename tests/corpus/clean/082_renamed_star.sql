-- shows: star with a new name
with people as (

    select * rename (region as area) from {{ ref('psn_people') }}

)

select
    area,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from people
group by area
