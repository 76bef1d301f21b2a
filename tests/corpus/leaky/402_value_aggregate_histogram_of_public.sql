-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: c
-- path: psn_orders.* -> histogram() -> case -> c
select order_year, case when count(distinct person_key) >= 11 then histogram(channel) end as c
from {{ ref('psn_orders') }}
group by order_year
