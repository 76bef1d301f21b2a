-- shows: quoted aliases
select region as "Region", case when count(distinct person_key) >= 11 then count(distinct person_key) else null end as "People"
from {{ ref('psn_people') }}
group by region
