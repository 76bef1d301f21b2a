-- mechanism: function
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> left() -> code
select left(person_key, 12) as code, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by left(person_key, 12)
