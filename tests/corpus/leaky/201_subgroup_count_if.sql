-- mechanism: subgroup
-- rule: subgroup
-- column: old
-- path: psn_people.age -> count_if() -> case -> old
select region, case when count(distinct person_key) >= 11 then count_if(age = 97) end as old
from {{ ref('psn_people') }}
group by region
