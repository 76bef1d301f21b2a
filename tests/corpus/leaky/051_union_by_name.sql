-- mechanism: union
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select region as code
from {{ ref('dim_regions') }}
union all by name
select sex, person_key as code
from {{ ref('psn_people') }}
