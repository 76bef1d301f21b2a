-- mechanism: group_key
-- rule: pseudonym
-- column: employer_key
-- path: psn_jobs.employer_key -> employer_key
select job_year, employer_key, case when count(distinct person_key) >= 11 then avg(wages) end as m
from {{ ref('psn_jobs') }}
group by grouping sets ((job_year), (job_year, employer_key))
