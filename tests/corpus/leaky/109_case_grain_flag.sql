-- mechanism: case
-- rule: pseudonym
-- column: is_boss
-- path: psn_people.person_key -> is_boss
select person_key = 'p1_a' as is_boss, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by 1
