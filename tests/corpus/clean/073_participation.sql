-- shows: who of all has visited, by a guard over the visitors
select
    p.region,
    case
        when count(distinct v.person_key) >= 11 then count(distinct v.person_key)
    end as patients,
    case when count(distinct v.person_key) >= 11 then sum(v.cost) end as cost_total
from {{ ref('psn_people') }} as p
left join {{ ref('psn_visits') }} as v on p.person_key = v.person_key
group by p.region
