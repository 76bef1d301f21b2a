-- mechanism: guess_list
-- rule: identifier_steers
-- path: psn_people.person_key
-- also: personal_rows pseudonym
select g.k as code
from (values ('p1_a'), ('p1_b')) as g(k)
join {{ ref('psn_people') }} as p on p.person_key = g.k
