-- mechanism: wrong_unit
-- rule: guard_unit
-- column: m
-- path: psn_orders.amount -> avg() -> case -> m
select channel, case when count(distinct person_key || order_key) >= 11 then avg(amount) end as m
from {{ ref('psn_orders') }}
group by channel
