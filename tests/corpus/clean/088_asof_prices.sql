-- shows: the latest price before an order
select
    o.channel,
    case when count(distinct o.person_key) >= 11 then sum(o.amount * x.cpi) end as priced
from {{ ref('psn_orders') }} as o
asof join {{ ref('dim_prices') }} as x on o.order_year >= x.year
group by o.channel
