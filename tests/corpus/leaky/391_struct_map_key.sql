-- mechanism: struct
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select map {person_key: 1} as code from {{ ref('psn_people') }}
