-- mechanism: group_key
-- rule: pseudonym
-- column: code
-- path: psn_jobs.employer_key -> code
select employer_key as code, job_year, case when count(distinct person_key) >= 11 then avg(wages) end as m
from {{ ref('psn_jobs') }}
group by 1, 2
