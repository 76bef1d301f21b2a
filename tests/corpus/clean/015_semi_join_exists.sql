-- shows: the same with EXISTS
select
    p.region,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as buyers
from {{ ref('psn_people') }} as p
where exists (
    select 1 from {{ ref('psn_orders') }} as o
    where o.person_key = p.person_key and o.order_year = 2024
)
group by p.region
