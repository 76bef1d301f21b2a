-- mechanism: identifier_filter
-- rule: identifier_steers
-- path: psn_people.person_key -> hash()
select sex, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
where hash(person_key) % 2 = 0
group by sex
