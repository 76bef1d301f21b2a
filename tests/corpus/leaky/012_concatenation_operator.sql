-- mechanism: concatenation
-- rule: direct_identifier
-- column: code
-- path: raw_people.full_name -> || -> code
-- also: layer personal_rows
select full_name || ', ' || city as code from {{ ref('raw_people') }}
