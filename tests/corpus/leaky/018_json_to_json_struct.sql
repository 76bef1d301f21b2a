-- mechanism: json
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> to_json() -> code
-- also: personal_rows
select to_json({'k': person_key}) as code from {{ ref('psn_people') }}
