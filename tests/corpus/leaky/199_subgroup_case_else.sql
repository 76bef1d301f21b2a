-- mechanism: subgroup
-- rule: subgroup
-- column: old_income
-- path: psn_people.income -> case -> avg() -> case -> old_income
select region, case when count(distinct person_key) >= 11 then avg(case when age = 97 then income else 0 end) end as old_income
from {{ ref('psn_people') }}
group by region
