-- mechanism: alias
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select person_key as code, sex from {{ ref('psn_people') }}
