-- shows: a recursive spine of months
with recursive months(month_on) as (

    select date '2023-01-01'
    union all
    select cast(month_on + interval 1 month as date) from months
    where month_on < date '2024-12-01'

)

select
    m.month_on,
    case when count(distinct o.person_key) >= 11 then count(distinct o.person_key) end as buyers
from months as m
left join {{ ref('psn_orders') }} as o on date_trunc('month', o.ordered_on) = m.month_on
group by m.month_on
