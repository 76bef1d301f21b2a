-- mechanism: whole_row
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> list() -> case -> code
-- also: subgroup value_aggregate
select region, case when count(distinct person_key) >= 11 then list(p) end as code
from {{ ref('psn_people') }} as p
group by region
