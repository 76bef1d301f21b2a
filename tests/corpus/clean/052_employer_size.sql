-- shows: the size of an employer as a column of the grain
with

employers as (

    select
        job_year,
        employer_key,
        count(distinct person_key) as employees
    from {{ ref('psn_jobs') }}
    group by job_year, employer_key

),

sized as (

    select
        job_year,
        employer_key,
        case when employees < 10 then 'small' when employees < 50 then 'medium' else 'large' end
            as employer_size
    from employers

)

select
    sized.employer_size,
    jobs.job_year,
    case when count(distinct jobs.person_key) >= 11 then count(distinct jobs.person_key) end as workers,
    case when count(distinct jobs.person_key) >= 11 then avg(jobs.wages) end as wages_mean
from {{ ref('psn_jobs') }} as jobs
inner join sized
    on jobs.employer_key = sized.employer_key and jobs.job_year = sized.job_year
group by sized.employer_size, jobs.job_year
