-- mechanism: subgroup
-- rule: subgroup
-- column: employed
-- path: psn_people.is_employed -> sum() -> case -> employed
select region, case when count(distinct person_key) >= 11 then sum(is_employed::int) end as employed
from {{ ref('psn_people') }}
group by region
