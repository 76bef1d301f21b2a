-- mechanism: positional_join
-- rule: unfollowable
select case when count(distinct p.person_key) >= 11 then avg(o.amount) end as x
from {{ ref('psn_people') }} as p
positional join {{ ref('psn_orders') }} as o
