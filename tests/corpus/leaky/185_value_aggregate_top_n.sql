-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: tops
-- path: psn_people.income -> max() -> case -> tops
select region, case when count(distinct person_key) >= 11 then max(income, 3) end as tops
from {{ ref('psn_people') }}
group by region
