-- mechanism: arithmetic
-- rule: direct_identifier
-- column: code
-- path: raw_people.full_name -> length() -> code
-- also: layer personal_rows
select length(full_name) as code from {{ ref('raw_people') }}
