-- shows: a hierarchy of occupations, with a rest
select
    coalesce(d.sector, 'other') as sector,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count
from {{ ref('psn_people') }} as p
left join {{ ref('dim_occupations') }} as d on lower(p.occupation) = lower(d.occupation)
group by coalesce(d.sector, 'other')
