-- mechanism: coalesce
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> coalesce() -> code
-- also: personal_rows
select coalesce(null, person_key, sex) as code from {{ ref('psn_people') }}
