-- mechanism: alias
-- rule: direct_identifier
-- column: code
-- path: raw_people.email -> lower() -> || -> code
-- also: layer personal_rows
select lower(email) as contact, contact || '' as code from {{ ref('raw_people') }}
