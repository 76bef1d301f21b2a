-- shows: chosen margins
select occupation, sex, case when count(distinct person_key) >= 11 then avg(income) end m
from {{ ref('psn_people') }}
group by grouping sets ((occupation), (occupation, sex))
order by occupation, sex
