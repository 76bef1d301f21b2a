-- mechanism: list
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select [person_key, sex][1] as code from {{ ref('psn_people') }}
