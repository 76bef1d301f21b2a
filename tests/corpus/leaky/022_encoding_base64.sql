-- mechanism: encoding
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> encode() -> to_base64() -> code
-- also: personal_rows
select to_base64(encode(person_key)) as code from {{ ref('psn_people') }}
