-- shows: growth of a person's wages, then its mean
with paired as (

    select
        a.person_key,
        a.job_year,
        b.wages - a.wages as raise
    from {{ ref('psn_jobs') }} as a
    inner join {{ ref('psn_jobs') }} as b
        on a.person_key = b.person_key and b.job_year = a.job_year + 1

)

select
    job_year,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as workers,
    case when count(distinct person_key) >= 11 then round(avg(raise)) end as raise_mean
from paired
group by job_year
