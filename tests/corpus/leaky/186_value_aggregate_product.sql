-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: p
-- path: psn_people.income -> product() -> case -> p
select region, case when count(distinct person_key) >= 11 then product(income) end as p
from {{ ref('psn_people') }}
group by region
