-- shows: decade joined
with x as (
    select o.person_key, o.amount, p.age // 10 * 10 as decade
    from {{ ref('psn_orders') }} o
    join {{ ref('psn_people') }} p on o.person_key = p.person_key
)
select decade, case when count(distinct person_key) >= 11 then avg(amount) end
from x
group by decade
