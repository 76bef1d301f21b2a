-- mechanism: lateral
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select x.code
from {{ ref('psn_people') }} as p, lateral (values (p.person_key), (p.sex)) as x(code)
