-- shows: events with their kind as a column of the grain
with events as (

    select person_key, 'order' as kind, order_year as year from {{ ref('psn_orders') }}
    union all
    select person_key, 'visit' as kind, visit_year as year from {{ ref('psn_visits') }}

)

select
    kind,
    year,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from events
group by kind, year
