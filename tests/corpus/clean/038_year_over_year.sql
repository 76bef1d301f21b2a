-- shows: window over guarded cells
with cells as (

    select
        order_year,
        case when count(distinct person_key) >= 11 then sum(amount) end as revenue
    from {{ ref('psn_orders') }}
    group by order_year

)

select
    order_year,
    revenue,
    lag(revenue) over (order by order_year) as revenue_before,
    round(100.0 * revenue / lag(revenue) over (order by order_year) - 100, 1) as growth_percent
from cells
