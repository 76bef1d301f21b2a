-- shows: two years, one below the other
select
    2023 as year,
    channel,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
from {{ ref('psn_orders') }}
where order_year = 2023
group by channel
union all
select
    2024 as year,
    channel,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
from {{ ref('psn_orders') }}
where order_year = 2024
group by channel
