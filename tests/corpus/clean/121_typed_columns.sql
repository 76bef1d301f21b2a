-- shows: typed columns
select region, case when count(distinct person_key) >= 11 then cast(count(distinct person_key) as integer) end as n, case when count(distinct person_key) >= 11 then cast(round(avg(income)) as integer) end as m, current_date as built_on
from {{ ref('psn_people') }}
group by region
