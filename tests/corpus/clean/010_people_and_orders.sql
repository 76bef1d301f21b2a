-- shows: two pseudonymized models joined over the person
select
    p.sex,
    o.order_year,
    case when count(distinct o.person_key) >= 11 then count(distinct o.person_key) end as buyers,
    case when count(distinct o.person_key) >= 11 then avg(o.amount) end as amount_mean
from {{ ref('psn_people') }} as p
inner join {{ ref('psn_orders') }} as o on p.person_key = o.person_key
group by p.sex, o.order_year
