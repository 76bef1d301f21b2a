-- mechanism: hidden_condition
-- rule: subgroup
-- column: x
-- path: psn_people.occupation -> count() -> case -> x
select region, case when count(distinct person_key) >= 11 then count(try_cast(occupation as integer)) end as x
from {{ ref('psn_people') }}
group by region
