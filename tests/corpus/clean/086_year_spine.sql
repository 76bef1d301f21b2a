-- shows: a spine of years
with

years as (

    select i as year from range(2020, 2026) as r(i)

),

cells as (

    select
        order_year,
        case when count(distinct person_key) >= 11 then sum(amount) end as revenue
    from {{ ref('psn_orders') }}
    group by order_year

)

select
    years.year,
    coalesce(cells.revenue, 0) as revenue
from years
left join cells on years.year = cells.order_year
