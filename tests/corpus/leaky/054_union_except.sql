-- mechanism: union
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select person_key as code
from {{ ref('psn_people') }}
except
select code
from {{ ref('dim_codes') }}
