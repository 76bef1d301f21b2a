-- mechanism: hidden_condition
-- rule: subgroup
-- column: x
-- path: psn_people.income -> avg() -> case -> x
select region, case when count(distinct person_key) >= 11 then avg(income) filter (where age // 97) end as x
from {{ ref('psn_people') }}
group by region
