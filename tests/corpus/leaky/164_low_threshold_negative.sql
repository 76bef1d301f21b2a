-- mechanism: low_threshold
-- rule: guard_threshold
-- column: n
-- path: psn_people.person_key -> count() -> case -> n
select region, case when count(distinct person_key) < 3 then null else count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by region
