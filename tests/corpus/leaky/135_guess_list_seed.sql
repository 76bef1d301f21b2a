-- mechanism: guess_list
-- rule: identifier_steers
-- path: psn_people.person_key
-- also: personal_rows pseudonym
select c.label
from {{ ref('dim_codes') }} as c
join {{ ref('psn_people') }} as p on c.code = p.person_key
