-- mechanism: function
-- rule: direct_identifier
-- column: code
-- path: raw_people.full_name -> regexp_extract() -> code
-- also: layer personal_rows
select regexp_extract(full_name, '^[A-Z]') as code, regexp_replace(city, 'x', 'y') as city
from {{ ref('raw_people') }}
