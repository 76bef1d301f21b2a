-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: top
-- path: psn_people.income -> max() -> case -> top
select region, case when count(distinct person_key) >= 11 then max(income) end as top
from {{ ref('psn_people') }}
group by region
