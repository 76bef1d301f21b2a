-- mechanism: encoding
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select person_key::blob as code from {{ ref('psn_people') }}
