-- mechanism: unguarded_mean
-- rule: unguarded_aggregate
-- column: m
-- path: psn_orders.amount -> sum() -> m
-- also: personal_rows
with c as (
    select channel, sum(amount) as s, count(distinct person_key) as n
    from {{ ref('psn_orders') }}
    group by channel
)
select channel, s / n as m
from c
