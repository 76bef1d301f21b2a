-- mechanism: positional_join
-- rule: unfollowable
select case when count(distinct p.person_key) >= 11 then sum(p.income) filter (where r.i = 5) end as x
from {{ ref('psn_people') }} as p
positional join range(300) as r(i)
