-- mechanism: subgroup
-- rule: subgroup
-- column: m
-- path: psn_jobs.wages -> avg() -> case -> m
select case when count(distinct coalesce(p.person_key, j.person_key)) >= 11 then avg(j.wages) end as m
from {{ ref('psn_people') }} as p
full join {{ ref('psn_jobs') }} as j on p.person_key = j.person_key
