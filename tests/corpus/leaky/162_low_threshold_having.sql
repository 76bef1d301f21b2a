-- mechanism: low_threshold
-- rule: guard_threshold
-- column: n
-- path: psn_people.person_key -> count() -> n
select region, count(distinct person_key) as n
from {{ ref('psn_people') }}
group by region
having count(distinct person_key) >= 2
