-- mechanism: concatenation
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> concat_ws() -> code
-- also: personal_rows
select concat_ws('/', region, sex, person_key) as code from {{ ref('psn_people') }}
