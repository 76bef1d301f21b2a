-- mechanism: identifier_aggregate
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> arg_max() -> case -> code
-- also: value_aggregate
select region, case when count(distinct person_key) >= 11 then arg_max(person_key, income) end as code
from {{ ref('psn_people') }}
group by region
