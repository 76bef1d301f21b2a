-- mechanism: subgroup
-- rule: subgroup
-- column: total
-- path: psn_people.income -> case -> int_people_flagged.old_income -> sum() -> case -> total
select region, case when count(distinct person_key) >= 11 then sum(old_income) end as total
from {{ ref('int_people_flagged') }}
group by region
