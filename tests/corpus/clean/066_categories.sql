-- shows: a product dimension
select
    d.category,
    o.order_year,
    case when count(distinct o.person_key) >= 11 then count(distinct o.person_key) end as buyers,
    case when count(distinct o.person_key) >= 11 then sum(o.quantity * d.list_price) end as list_value
from {{ ref('psn_orders') }} as o
inner join {{ ref('dim_products') }} as d using (product_code)
group by d.category, o.order_year
