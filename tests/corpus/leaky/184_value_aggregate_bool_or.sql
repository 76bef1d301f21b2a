-- mechanism: value_aggregate
-- rule: subgroup
-- column: any_old
-- path: psn_people.income -> bool_or() -> case -> any_old
-- also: value_aggregate
select region, case when count(distinct person_key) >= 11 then bool_or(income > 1000000 and age > 90) end as any_old
from {{ ref('psn_people') }}
group by region
