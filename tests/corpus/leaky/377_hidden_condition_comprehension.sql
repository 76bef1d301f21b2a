-- mechanism: hidden_condition
-- rule: subgroup
-- column: x
-- path: psn_people.income -> list_sum() -> sum() -> case -> x
select region, case when count(distinct person_key) >= 11 then sum(list_sum([i for i in [income] if age - 97])) end as x
from {{ ref('psn_people') }}
group by region
