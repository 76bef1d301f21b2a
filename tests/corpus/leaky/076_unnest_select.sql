-- mechanism: unnest
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> unnest() -> code
-- also: personal_rows
select unnest([person_key]) as code from {{ ref('psn_people') }}
