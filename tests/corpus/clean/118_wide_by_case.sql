-- shows: wide by case
with c as (
    select region, survey_year, case when count(distinct person_key) >= 11 then avg(income) end m
    from {{ ref('psn_people') }}
    group by all
)
select region, max(case when survey_year = 2023 then m end) m23, list(m order by survey_year) ms
from c
group by region
