-- mechanism: identifier_filter
-- rule: identifier_steers
-- path: psn_people.person_key
select region, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
where person_key <> 'p1_a'
group by region
