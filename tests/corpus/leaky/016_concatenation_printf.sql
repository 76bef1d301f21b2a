-- mechanism: concatenation
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> printf() -> code
-- also: layer personal_rows
select printf('%s', ssn) as code from {{ ref('raw_people') }}
