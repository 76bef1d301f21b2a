-- shows: never visited
select channel, case when count(distinct person_key) >= 11 then sum(amount) end s
from {{ ref('psn_orders') }} o
where not exists (
    select 1
    from {{ ref('psn_visits') }} v
    where v.person_key = o.person_key
)
group by channel
