-- mechanism: hash
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> md5_number() -> code
-- also: personal_rows
select md5_number(person_key)::varchar as code from {{ ref('psn_people') }}
