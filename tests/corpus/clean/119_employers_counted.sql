-- shows: employers counted
select j.job_year, case when count(distinct j.person_key) >= 11 and count(distinct j.employer_key) >= 3 then sum(j.wages) end s
from {{ ref('psn_jobs') }} j
group by j.job_year
