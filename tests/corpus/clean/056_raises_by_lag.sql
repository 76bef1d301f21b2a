-- shows: the same by a window over the person
with ordered as (

    select
        person_key,
        job_year,
        wages - lag(wages) over (partition by person_key order by job_year) as raise
    from {{ ref('psn_jobs') }}

)

select
    job_year,
    case when count(distinct person_key) >= 11 then avg(raise) end as raise_mean
from ordered
group by job_year
