-- mechanism: group_key
-- rule: pseudonym
-- column: code
-- path: psn_people.household_key -> upper() -> code
select upper(household_key) as code, case when count(distinct person_key) >= 11 then count(*) end as n
from {{ ref('psn_people') }}
group by all
