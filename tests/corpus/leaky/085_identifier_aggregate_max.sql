-- mechanism: identifier_aggregate
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> max() -> case -> code
-- also: value_aggregate
select region, case when count(distinct person_key) >= 11 then max(person_key) end as code
from {{ ref('psn_people') }}
group by region
