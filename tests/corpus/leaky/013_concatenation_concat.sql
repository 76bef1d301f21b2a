-- mechanism: concatenation
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> concat() -> code
-- also: personal_rows
select concat(sex, '-', person_key) as code from {{ ref('psn_people') }}
