-- shows: growing employers
with e as (
    select employer_key, job_year, count(distinct person_key) n
    from {{ ref('psn_jobs') }}
    group by all
), t as (
    select a.employer_key, a.job_year, case when b.n is null then 'new' when a.n > b.n then 'growing' else 'shrinking' end as trend
    from e a
    left join e b on a.employer_key = b.employer_key and b.job_year = a.job_year - 1
)
select t.trend, j.job_year, case when count(distinct j.person_key) >= 11 then avg(j.wages) end m
from {{ ref('psn_jobs') }} j
join t on j.employer_key = t.employer_key and j.job_year = t.job_year
group by all
