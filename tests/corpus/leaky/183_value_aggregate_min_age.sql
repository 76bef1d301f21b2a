-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: youngest
-- path: psn_people.age -> min() -> case -> youngest
select region, case when count(distinct person_key) >= 11 then min(age) end as youngest
from {{ ref('psn_people') }}
group by region
