-- shows: months active
select date_diff('day', min_on, max_on) // 30 as months_active, case when count(distinct person_key) >= 11 then count(distinct person_key) end n
from (
    select person_key, min(ordered_on) min_on, max(ordered_on) max_on
    from {{ ref('psn_orders') }}
    group by person_key
)
group by months_active
