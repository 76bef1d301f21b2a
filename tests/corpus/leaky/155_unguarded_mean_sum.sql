-- mechanism: unguarded_mean
-- rule: unguarded_aggregate
-- column: total
-- path: psn_orders.amount -> sum() -> round() -> total
-- also: personal_rows
select ordered_on, round(sum(amount), 2) as total
from {{ ref('psn_orders') }}
group by ordered_on
