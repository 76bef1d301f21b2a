-- mechanism: arithmetic
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> replace() -> code
-- also: layer personal_rows
select try_cast(replace(ssn, '-', '') as bigint) + 1 as code from {{ ref('raw_people') }}
