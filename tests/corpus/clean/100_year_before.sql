-- shows: year before
with base as (
    select *, case when age < 30 then 'young' else 'old' end as grp
    from {{ ref('psn_people') }}
), agg as (
    select grp, survey_year, case when count(distinct person_key) >= 11 then avg(income) end as m
    from base
    group by grp, survey_year
)
select a.grp, a.survey_year, a.m, b.m as m_prev, a.m / b.m - 1 as growth
from agg a
left join agg b on a.grp = b.grp and a.survey_year = b.survey_year + 1
