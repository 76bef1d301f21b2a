-- shows: a correlation and a slope
select
    region,
    case when count(distinct person_key) >= 11 then round(corr(age, income), 2) end as age_income_correlation,
    case when count(distinct person_key) >= 11 then regr_slope(income, age) end as income_per_year_of_age
from {{ ref('psn_people') }}
group by region
