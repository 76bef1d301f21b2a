-- mechanism: star
-- rule: pseudonym
-- column: sex
-- path: psn_people.person_key -> sex
-- also: personal_rows
select * exclude (person_key, household_key) replace (person_key as sex)
from {{ ref('psn_people') }}
