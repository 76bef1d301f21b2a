-- mechanism: list
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> list_value() -> code
-- also: personal_rows
select list_value(region, person_key) as code from {{ ref('psn_people') }}
