-- mechanism: json
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> json_object() -> code
-- also: personal_rows
select json_object('id', person_key, 'sex', sex) as code from {{ ref('psn_people') }}
