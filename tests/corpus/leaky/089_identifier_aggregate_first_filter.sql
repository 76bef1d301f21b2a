-- mechanism: identifier_aggregate
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> first() -> case -> code
-- also: subgroup value_aggregate
select region, case when count(distinct person_key) >= 11 then first(person_key) filter (where age > 90) end as code
from {{ ref('psn_people') }}
group by region
