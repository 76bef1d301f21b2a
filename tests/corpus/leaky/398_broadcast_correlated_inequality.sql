-- mechanism: broadcast
-- rule: broadcast
-- column: x
-- path: psn_orders.amount -> max() -> avg() -> case -> x
-- also: subgroup
with t as (
    select o.person_key, (
        select max(i.amount)
        from {{ ref('psn_orders') }} as i
        where i.person_key >= o.person_key
    ) as mx
    from {{ ref('psn_orders') }} as o
)
select case when count(distinct t.person_key) >= 11 then avg(t.mx) end as x
from t
