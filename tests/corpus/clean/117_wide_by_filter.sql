-- shows: wide by filter
with c as (
    select region, survey_year, case when count(distinct person_key) >= 11 then avg(income) end m
    from {{ ref('psn_people') }}
    group by all
)
select region, max(m) filter (where survey_year = 2023) m23, max(m) filter (where survey_year = 2024) m24
from c
group by region
