-- shows: bands from a public table
select
    a.life_stage,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count,
    case when count(distinct p.person_key) >= 11 then avg(p.income) end as income_mean
from {{ ref('psn_people') }} as p
inner join {{ ref('dim_ages') }} as a on p.age = a.age
group by a.life_stage
