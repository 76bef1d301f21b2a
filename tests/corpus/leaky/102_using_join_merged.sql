-- mechanism: using_join
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
-- also: personal_rows
select person_key, channel
from {{ ref('psn_people') }}
join {{ ref('psn_orders') }} using (person_key)
