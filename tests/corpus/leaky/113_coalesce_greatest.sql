-- mechanism: coalesce
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> greatest() -> code
-- also: personal_rows
select greatest(person_key, '') as code from {{ ref('psn_people') }}
