-- mechanism: self_join
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select a.region, b.person_key as code
from {{ ref('psn_people') }} as a
join {{ ref('psn_people') }} as b on a.household_key = b.household_key
