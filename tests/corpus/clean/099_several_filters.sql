-- shows: several filters
select p.region, p.sex, case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end n, case when count(distinct p.person_key) >= 11 then round(avg(p.income), 0) end m
from {{ ref('psn_people') }} p
where p.survey_year = 2024 and p.age between 18 and 64 and p.occupation in ('nurse','clerk')
group by p.region, p.sex
order by p.region, p.sex
