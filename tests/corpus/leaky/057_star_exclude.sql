-- mechanism: star
-- rule: pseudonym
-- column: household_key
-- path: psn_people.household_key -> household_key
-- also: personal_rows
select * exclude (person_key) from {{ ref('psn_people') }}
