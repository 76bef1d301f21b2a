-- mechanism: union
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select region as code, case when count(distinct person_key) >= 11 then 1 end as n
from {{ ref('psn_people') }}
group by region
union all
select person_key, 0
from {{ ref('psn_people') }}
