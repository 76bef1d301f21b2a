-- mechanism: star
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select * rename (person_key as code) from {{ ref('psn_people') }}
