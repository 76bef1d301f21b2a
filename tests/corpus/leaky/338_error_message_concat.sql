-- mechanism: error_message
-- rule: error_message
-- column: x
-- path: raw_people.ssn -> || -> error()
-- also: layer personal_rows
select case when city is null then error('no city for ' || ssn) else 'fine' end as x
from {{ ref('raw_people') }}
