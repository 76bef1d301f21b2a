-- mechanism: joined_rows
-- rule: broadcast
-- column: i
-- path: psn_people.income -> join -> i
-- also: steered_rows
with r as (
    select i
    from range(1000000) as r(i)
    where i in (
        select p.income
        from {{ ref('psn_people') }} as p
    )
)
select r.i, case when count(distinct q.person_key) >= 11 then 1 end as n
from {{ ref('psn_people') }} as q
cross join r
group by r.i
