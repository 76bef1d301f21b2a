-- shows: a small table in the query itself
with wanted(region, label) as (

    values ('north', 'North'), ('south', 'South')

)

select
    wanted.label,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count
from {{ ref('psn_people') }} as p
inner join wanted on p.region = wanted.region
group by wanted.label
