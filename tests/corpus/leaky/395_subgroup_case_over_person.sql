-- mechanism: subgroup
-- rule: subgroup
-- column: x
-- path: psn_orders.amount -> sum() -> case -> sum() -> case -> x
with t as (
    select person_key, case when count(*) > 2 then sum(amount) end as mx
    from {{ ref('psn_orders') }}
    group by person_key
)
select case when count(distinct person_key) >= 11 then sum(mx) end as x
from t
