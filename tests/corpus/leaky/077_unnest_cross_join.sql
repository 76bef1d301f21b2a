-- mechanism: unnest
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> unnest() -> code
-- also: personal_rows
select u.code
from {{ ref('psn_people') }} as p
cross join unnest([p.person_key, p.sex]) as u(code)
