-- shows: the same by LATERAL
select
    l.ward,
    p.sex,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as patients
from {{ ref('psn_people') }} as p,
    lateral (
        select arg_max(v.ward, v.visited_on) as ward
        from {{ ref('psn_visits') }} as v
        where v.person_key = p.person_key
    ) as l
group by l.ward, p.sex
