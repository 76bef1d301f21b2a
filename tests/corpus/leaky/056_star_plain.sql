-- mechanism: star
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
-- also: personal_rows
select * from {{ ref('psn_people') }}
