-- mechanism: laundered_by_model
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> int_people_coded.code -> code
select code, case when count(distinct code) >= 11 then count(*) end as n
from {{ ref('int_people_coded') }}
group by code
