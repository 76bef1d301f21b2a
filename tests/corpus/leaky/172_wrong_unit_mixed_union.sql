-- mechanism: wrong_unit
-- rule: guard_unit
-- column: m
-- path: psn_orders.amount -> avg() -> case -> m
with u as (
    select person_key, amount
    from {{ ref('psn_orders') }}
    union all
    select order_key, amount
    from {{ ref('psn_orders') }}
)
select case when count(distinct person_key) >= 11 then avg(amount) end as m
from u
