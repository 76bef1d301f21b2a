-- shows: sum and count of one cell, divided
select
    order_year,
    channel,
    case when count(distinct person_key) >= 11 then sum(amount) / count(distinct person_key) end as spend_per_person
from {{ ref('psn_orders') }}
group by order_year, channel
