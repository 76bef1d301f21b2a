-- mechanism: self_join
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select a.person_key as code
from {{ ref('psn_people') }} as a, {{ ref('psn_people') }} as b
where a.household_key = b.household_key
