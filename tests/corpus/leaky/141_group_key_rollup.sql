-- mechanism: group_key
-- rule: pseudonym
-- column: household_key
-- path: psn_people.household_key -> household_key
select region, household_key, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by rollup (region, household_key)
