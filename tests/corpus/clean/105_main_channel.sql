-- shows: main channel
with o as (
    select person_key, channel, count(*) c
    from {{ ref('psn_orders') }}
    group by all
), main as (
    select person_key, channel
    from o
    qualify row_number() over (partition by person_key order by c desc, channel) = 1
)
select channel, case when count(distinct person_key) >= 11 then count(distinct person_key) end n
from main
group by channel
