-- mechanism: subgroup
-- rule: subgroup
-- column: m
-- path: psn_people.income -> avg() -> case -> m
select region, case when count(distinct person_key) filter (where sex = 'f' or age = 97) >= 11 then avg(income) filter (where age = 97) end as m
from {{ ref('psn_people') }}
group by region
