-- shows: the same by a correlated subquery
select
    v.ward,
    case when count(distinct v.person_key) >= 11 then count(distinct v.person_key) end as patients
from {{ ref('psn_visits') }} as v
where v.visited_on = (
    select max(w.visited_on) from {{ ref('psn_visits') }} as w where w.person_key = v.person_key
)
group by v.ward
