-- shows: the first order of a person by a window
with ranked as (

    select
        person_key,
        channel,
        order_year,
        row_number() over (partition by person_key order by ordered_on, order_key) as place
    from {{ ref('psn_orders') }}

)

select
    channel as first_channel,
    order_year as first_year,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
from ranked
where place = 1
group by channel, order_year
