-- mechanism: group_key
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
select person_key, case when count(distinct person_key) >= 11 then sum(income) end as total
from {{ ref('psn_people') }}
group by person_key
