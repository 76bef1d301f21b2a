-- mechanism: hidden_condition
-- rule: subgroup
-- column: x
-- path: psn_people.income -> sum() -> case -> x
select region, case when count(distinct person_key) >= 11 then sum(greatest(age - 96, 0) * income) end as x
from {{ ref('psn_people') }}
group by region
