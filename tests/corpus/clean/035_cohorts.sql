-- shows: year of birth from a date
select
    year(birth_year_on) - year(birth_year_on) % 10 as cohort,
    sex,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by cohort, sex
