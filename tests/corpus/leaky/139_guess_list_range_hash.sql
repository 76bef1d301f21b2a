-- mechanism: guess_list
-- rule: identifier_steers
-- path: raw_people.ssn -> hash()
-- also: direct_identifier layer personal_rows
select r.i as code
from range(100000000) as r(i)
join {{ ref('raw_people') }} as p on hash(r.i::varchar) = hash(p.ssn)
