-- mechanism: hash
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> || -> sha256() -> code
-- also: layer personal_rows
select sha256(ssn || 'pepper') as code from {{ ref('raw_people') }}
