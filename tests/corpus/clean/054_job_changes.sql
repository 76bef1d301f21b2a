-- shows: the same person in two years
with moves as (

    select
        before.person_key,
        before.job_year as from_year,
        case
            when later.person_key is null then 'left'
            when later.employer_key = before.employer_key then 'stayed'
            else 'moved'
        end as transition
    from {{ ref('psn_jobs') }} as before
    left join {{ ref('psn_jobs') }} as later
        on before.person_key = later.person_key and later.job_year = before.job_year + 1

)

select
    from_year,
    transition,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from moves
group by from_year, transition
