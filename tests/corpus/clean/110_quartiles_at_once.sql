-- shows: quartiles at once
with yearly as (
    select person_key, order_year, sum(amount) s
    from {{ ref('psn_orders') }}
    group by all
)
select order_year, case when count(distinct person_key) >= 11 then quantile_cont(s, [0.25, 0.5, 0.75]) end q
from yearly
group by order_year
