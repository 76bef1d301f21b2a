-- shows: a weighted mean
select
    job_year,
    case when count(distinct person_key) >= 11 then sum(wages * hours) / sum(hours) end as wages_by_hours,
    case when count(distinct person_key) >= 11 then count(distinct employer_key) end as employers
from {{ ref('psn_jobs') }}
group by job_year
