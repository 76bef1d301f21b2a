-- shows: years side by side, each part with a guard of its own
select
    channel,
    case when count(distinct person_key) filter (where order_year = 2023) >= 11
        then sum(amount) filter (where order_year = 2023) end as revenue_2023,
    case when count(distinct person_key) filter (where order_year = 2024) >= 11
        then sum(amount) filter (where order_year = 2024) end as revenue_2024
from {{ ref('psn_orders') }}
group by channel
