-- mechanism: coalesce
-- rule: direct_identifier
-- column: code
-- path: raw_people.email -> try() -> coalesce() -> code
-- also: layer personal_rows
select ifnull(try(email), 'none') as code from {{ ref('raw_people') }}
