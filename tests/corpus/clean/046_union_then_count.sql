-- shows: events of two kinds, then people
with events as (

    select person_key, order_year as year from {{ ref('psn_orders') }}
    union all
    select person_key, visit_year as year from {{ ref('psn_visits') }}

)

select
    year,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from events
group by year
