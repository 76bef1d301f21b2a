-- mechanism: case
-- rule: pseudonym
-- column: boss_income
-- path: psn_people.person_key -> case -> sum() -> case -> boss_income
-- also: subgroup
select region, case when count(distinct person_key) >= 11 then sum(case when person_key = 'p1_a' then income end) end as boss_income
from {{ ref('psn_people') }}
group by region
