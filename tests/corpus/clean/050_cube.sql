-- shows: every margin
select
    order_year,
    channel,
    case when count(distinct person_key) >= 11 then sum(amount) end as revenue
from {{ ref('psn_orders') }}
group by cube (order_year, channel)
