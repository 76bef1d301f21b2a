-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: spread
-- path: psn_people.income -> max() -> case -> spread
select region, case when count(distinct person_key) >= 11 then max(income) - min(income) end as spread
from {{ ref('psn_people') }}
group by region
