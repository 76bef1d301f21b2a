-- mechanism: union
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select label as code
from {{ ref('dim_codes') }}
union all
select person_key
from {{ ref('psn_people') }}
