-- shows: frame over guarded cells
with monthly as (

    select
        date_trunc('month', ordered_on) as month_on,
        case when count(distinct person_key) >= 11 then sum(amount) end as revenue
    from {{ ref('psn_orders') }}
    group by 1

)

select
    month_on,
    avg(revenue) over (order by month_on rows between 2 preceding and current row) as revenue_smooth
from monthly
