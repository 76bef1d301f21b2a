-- mechanism: wrong_unit
-- rule: guard_unit
-- column: m
-- path: psn_orders.amount -> avg() -> case -> m
with o as (
    select order_key as person_key, channel, amount
    from {{ ref('psn_orders') }}
)
select channel, case when count(distinct person_key) >= 11 then avg(amount) end as m
from o
group by channel
