-- shows: orders by month
select
    date_trunc('month', ordered_on) as month_on,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers,
    case when count(distinct person_key) >= 11 then sum(amount) end as revenue
from {{ ref('psn_orders') }}
group by date_trunc('month', ordered_on)
