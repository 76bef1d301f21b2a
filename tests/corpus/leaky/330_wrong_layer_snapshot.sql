-- mechanism: wrong_layer
-- rule: layer
-- also: broadcast
select city, case when count(distinct p.person_key) >= 11 then 1 end as n
from {{ ref('snap_members') }} as m
join {{ ref('psn_people') }} as p on p.region = m.city
group by city
