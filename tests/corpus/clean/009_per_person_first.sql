-- shows: totals of a person, then the mean over people
with yearly as (

    select
        person_key,
        order_year,
        sum(amount) as spend,
        count(*) as orders
    from {{ ref('psn_orders') }}
    group by person_key, order_year

)

select
    order_year,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers,
    case when count(distinct person_key) >= 11 then round(avg(spend), 2) end as spend_mean,
    case when count(distinct person_key) >= 11 then round(avg(orders), 1) end as orders_mean
from yearly
group by order_year
