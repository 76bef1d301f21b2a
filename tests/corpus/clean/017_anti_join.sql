-- shows: who never ordered
select
    age_band,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count
from {{ ref('psn_people') }} as p
anti join {{ ref('psn_orders') }} as o on p.person_key = o.person_key
group by age_band
