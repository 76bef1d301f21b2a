-- mechanism: subgroup
-- rule: subgroup
-- column: patients
-- path: psn_visits.person_key -> count() -> case -> patients
select p.region, case when count(distinct p.person_key) >= 11 then count(distinct v.person_key) end as patients
from {{ ref('psn_people') }} as p
left join {{ ref('psn_visits') }} as v on p.person_key = v.person_key
group by p.region
