-- mechanism: broadcast
-- rule: broadcast
-- column: x
-- path: psn_orders.amount -> max() -> avg() -> case -> x
with t as (
    select person_key, max(amount) as mx
    from {{ ref('psn_orders') }}
    group by rollup (person_key)
)
select case when count(distinct p.person_key) >= 11 then avg(t.mx) end as x
from {{ ref('psn_people') }} as p
join t on t.person_key is null
