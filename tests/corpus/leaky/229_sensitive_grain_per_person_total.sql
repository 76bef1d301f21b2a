-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: total
-- path: psn_orders.amount -> sum() -> total
with t as (
    select person_key, sum(amount) as total
    from {{ ref('psn_orders') }}
    group by person_key
)
select total, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from t
group by total
