-- mechanism: hash
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> hash() -> code
-- also: personal_rows
select hash(person_key) % 1000000 as code from {{ ref('psn_people') }}
