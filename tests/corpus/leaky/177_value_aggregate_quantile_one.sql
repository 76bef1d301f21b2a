-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: top
-- path: psn_people.income -> quantile_cont() -> case -> top
select region, case when count(distinct person_key) >= 11 then quantile_cont(income, 1.0) end as top
from {{ ref('psn_people') }}
group by region
