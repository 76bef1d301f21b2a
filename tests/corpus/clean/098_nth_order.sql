-- shows: first, second and third order of a person
with numbered as (

    select
        person_key,
        amount,
        row_number() over (partition by person_key order by ordered_on, order_key) as place
    from {{ ref('psn_orders') }}

)

select
    least(place, 4) as place,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers,
    case when count(distinct person_key) >= 11 then avg(amount) end as amount_mean
from numbered
group by least(place, 4)
