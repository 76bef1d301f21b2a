-- mechanism: self_join
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
-- also: personal_rows
select person_key
from {{ ref('psn_people') }} as a
join {{ ref('psn_people') }} as b using (person_key)
