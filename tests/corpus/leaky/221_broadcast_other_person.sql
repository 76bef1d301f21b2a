-- mechanism: broadcast
-- rule: broadcast
-- column: m
-- path: psn_people.income -> avg() -> case -> m
select a.region, case when count(distinct a.person_key) >= 11 then avg(b.income) end as m
from {{ ref('psn_people') }} as a
join {{ ref('psn_people') }} as b on a.region = b.region and b.age = 97
group by a.region
