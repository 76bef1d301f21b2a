-- shows: amounts at constant prices
select
    o.order_year,
    case when count(distinct o.person_key) >= 11 then sum(o.amount / x.cpi) end as real_revenue
from {{ ref('psn_orders') }} as o
inner join {{ ref('dim_prices') }} as x on o.order_year = x.year
group by o.order_year
