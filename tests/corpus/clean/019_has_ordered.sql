-- shows: whether a person ordered, as a column of the grain
select
    p.region,
    p.person_key in (select o.person_key from {{ ref('psn_orders') }} as o) as has_ordered,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count
from {{ ref('psn_people') }} as p
group by all
