-- mechanism: subgroup
-- rule: subgroup
-- column: old_income
-- path: psn_people.income -> sum() -> case -> old_income
select region, case when count(distinct person_key) >= 11 then sum(income) filter (where age = 97) end as old_income
from {{ ref('psn_people') }}
group by region
