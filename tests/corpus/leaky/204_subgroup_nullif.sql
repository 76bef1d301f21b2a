-- mechanism: subgroup
-- rule: subgroup
-- column: n
-- path: psn_people.* -> count() -> case -> n
select region, case when count(distinct person_key) >= 11 then count(*) - count(nullif(occupation, 'judge')) end as n
from {{ ref('psn_people') }}
group by region
