-- mechanism: laundered_by_model
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> int_people_coded.code -> int_people_star.code -> code
-- also: personal_rows
select s.code
from {{ ref('int_people_star') }} as s
join {{ ref('int_people_coded') }} as c on s.code = c.code
