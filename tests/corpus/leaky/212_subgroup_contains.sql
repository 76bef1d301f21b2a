-- mechanism: subgroup
-- rule: subgroup
-- column: n
-- path: psn_people.diagnosis -> contains() -> sum() -> case -> n
select region, case when count(distinct person_key) >= 11 then sum(contains(diagnosis, 'F20')::int) end as n
from {{ ref('psn_people') }}
group by region
