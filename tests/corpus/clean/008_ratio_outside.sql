-- shows: ratio of two guarded aggregates, one step later
with cells as (

    select
        order_year,
        case when count(distinct person_key) >= 11 then sum(amount) end as spend,
        case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
    from {{ ref('psn_orders') }}
    group by order_year

)

select
    order_year,
    buyers,
    round(spend / nullif(buyers, 0), 2) as spend_per_buyer
from cells
