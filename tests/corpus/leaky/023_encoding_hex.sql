-- mechanism: encoding
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> hex() -> code
-- also: layer personal_rows
select hex(ssn) as code from {{ ref('raw_people') }}
