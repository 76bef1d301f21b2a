-- mechanism: coalesce
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> nullif() -> code
-- also: personal_rows
select nullif(person_key, 'p1_x') as code from {{ ref('psn_people') }}
