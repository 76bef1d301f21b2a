-- mechanism: identifier_filter
-- rule: identifier_steers
-- path: raw_people.ssn
-- also: broadcast layer
select sex, case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as n
from {{ ref('psn_people') }} as p
semi join {{ ref('raw_people') }} as r on r.ssn <> '123'
group by sex
