-- shows: count and mean behind one guard each
select
    age_band,
    survey_year,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count,
    case when count(distinct person_key) >= 11 then round(avg(income), -2) end as income_mean
from {{ ref('psn_people') }}
group by age_band, survey_year
