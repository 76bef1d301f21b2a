-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: top
-- path: psn_people.occupation -> arg_max() -> case -> top
select region, case when count(distinct person_key) >= 11 then arg_max(occupation, income) end as top
from {{ ref('psn_people') }}
group by region
