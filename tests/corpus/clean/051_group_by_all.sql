-- shows: GROUP BY ALL
select
    p.sex,
    j.job_year,
    case when count(distinct j.person_key) >= 11 then count(distinct j.person_key) end as workers,
    case when count(distinct j.person_key) >= 11 then avg(j.wages) end as wages_mean
from {{ ref('psn_people') }} as p
join {{ ref('psn_jobs') }} as j on p.person_key = j.person_key
group by all
order by all
