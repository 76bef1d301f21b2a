-- shows: the same by QUALIFY
with firsts as (

    select person_key, channel, order_year
    from {{ ref('psn_orders') }}
    qualify row_number() over (partition by person_key order by ordered_on) = 1

)

select
    channel,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
from firsts
group by channel
