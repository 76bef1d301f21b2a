-- mechanism: concatenation
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> format() -> code
-- also: personal_rows
select format('{} of {}', person_key, region) as code from {{ ref('psn_people') }}
