-- shows: a mart over a joined intermediate model
select
    order_year,
    sex,
    age_band,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers,
    case when count(distinct person_key) >= 11 then sum(amount) end as revenue
from {{ ref('int_people_orders') }}
group by order_year, sex, age_band
