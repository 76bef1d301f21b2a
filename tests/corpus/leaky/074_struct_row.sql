-- mechanism: struct
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> row() -> code
-- also: personal_rows
select row(sex, person_key) as code from {{ ref('psn_people') }}
