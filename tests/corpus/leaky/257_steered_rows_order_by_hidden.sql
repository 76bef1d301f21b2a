-- mechanism: steered_rows
-- rule: steered_rows
-- column: region
-- path: psn_people.person_key -> count()
select region, case when count(distinct person_key) >= 11 then avg(income) end as m
from {{ ref('psn_people') }}
group by region
order by count(distinct person_key) desc
