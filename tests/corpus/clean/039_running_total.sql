-- shows: running total and share of guarded cells
with cells as (

    select
        region,
        order_year,
        case when count(distinct person_key) >= 11 then sum(amount) end as revenue
    from {{ ref('int_people_orders') }}
    group by region, order_year

)

select
    region,
    order_year,
    sum(revenue) over (partition by region order by order_year) as revenue_to_date,
    revenue / sum(revenue) over (partition by order_year) as share
from cells
