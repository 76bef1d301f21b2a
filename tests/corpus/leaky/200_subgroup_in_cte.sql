-- mechanism: subgroup
-- rule: subgroup
-- column: old_income
-- path: psn_people.income -> case -> sum() -> case -> old_income
with p as (
    select person_key, region, case when age = 97 then income end as x
    from {{ ref('psn_people') }}
)
select region, case when count(distinct person_key) >= 11 then sum(x) end as old_income
from p
group by region
