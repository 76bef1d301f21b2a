-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: h
-- path: psn_people.income -> histogram() -> case -> h
select region, case when count(distinct person_key) >= 11 then histogram(income) end as h
from {{ ref('psn_people') }}
group by region
