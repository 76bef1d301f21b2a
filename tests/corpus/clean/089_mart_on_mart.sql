-- shows: a mart built from a published one
select
    d.country,
    m.survey_year,
    sum(m.people_count) as people_count,
    avg(m.income_mean) as income_mean
from {{ ref('mart_people_by_region') }} as m
inner join {{ ref('dim_regions') }} as d on m.region = d.region
group by d.country, m.survey_year
