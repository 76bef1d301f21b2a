-- shows: the best-paid job of a person by arg_max
with main as (

    select
        person_key,
        job_year,
        arg_max(employer_key, wages) as employer_key,
        max(wages) as wages
    from {{ ref('psn_jobs') }}
    group by person_key, job_year

)

select
    job_year,
    case
        when count(distinct person_key) >= 11 and count(distinct employer_key) >= 11
            then round(avg(wages), -2)
    end as wages_mean
from main
group by job_year
