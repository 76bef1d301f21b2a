-- shows: a calendar table gives every day, ordered or not
select
    c.month_on,
    c.is_weekend,
    case when count(distinct o.person_key) >= 11 then count(distinct o.person_key) end as buyers
from {{ ref('dim_calendar') }} as c
left join {{ ref('psn_orders') }} as o on c.day = o.ordered_on
group by c.month_on, c.is_weekend
