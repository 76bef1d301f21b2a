-- mechanism: identifier_filter
-- rule: identifier_steers
-- path: psn_people.person_key
select sex, case when count(distinct person_key) >= 11 then avg(income) end as m
from {{ ref('psn_people') }}
where person_key like 'p1\_%a' escape '\'
group by sex
