-- mechanism: hash
-- rule: direct_identifier
-- column: code
-- path: raw_people.email -> md5() -> code
-- also: layer personal_rows
select md5(email) as code from {{ ref('raw_people') }}
