-- mechanism: broadcast
-- rule: broadcast
-- column: top
-- path: psn_people.income -> max() -> int_people_top.region_income -> avg() -> case -> top
select region, case when count(distinct person_key) >= 11 then avg(region_income) end as top
from {{ ref('int_people_top') }}
group by region
