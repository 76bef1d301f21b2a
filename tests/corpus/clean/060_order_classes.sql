-- shows: how often a person orders, as a column of the grain
with counted as (

    select person_key, count(*) as orders
    from {{ ref('psn_orders') }}
    group by person_key

)

select
    case when orders = 1 then 'once' when orders < 5 then 'some' else 'often' end as frequency,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
from counted
group by frequency
