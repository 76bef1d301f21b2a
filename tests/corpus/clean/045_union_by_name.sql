-- shows: the same by name, with different columns
select
    'orders' as event,
    order_year as year,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_orders') }}
group by order_year
union all by name
select
    visit_year as year,
    'visits' as event,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_visits') }}
group by visit_year
