-- shows: the join in WHERE, as some still write it
select
    p.region,
    v.visit_year,
    case when count(distinct v.person_key) >= 11 then count(distinct v.person_key) end as patients
from {{ ref('psn_people') }} as p, {{ ref('psn_visits') }} as v
where p.person_key = v.person_key
group by p.region, v.visit_year
