-- mechanism: encoding
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> url_encode() -> code
-- also: personal_rows
select url_encode(person_key) as code from {{ ref('psn_people') }}
