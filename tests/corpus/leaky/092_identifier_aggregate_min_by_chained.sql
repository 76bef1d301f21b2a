-- mechanism: identifier_aggregate
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> min() -> case -> code
-- also: value_aggregate
select region, case when count(distinct person_key) >= 11 then person_key.min() end as code
from {{ ref('psn_people') }}
group by region
