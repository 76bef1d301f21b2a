-- mechanism: joined_rows
-- rule: broadcast
-- column: n
-- path: psn_people.person_key -> count() -> case -> n
-- also: sensitive_grain
with r as (
    select r.i
    from range(1000000) as r(i)
    semi join {{ ref('psn_people') }} as p on r.i = p.income
)
select r.i, case when count(distinct q.person_key) >= 11 then 1 end as n
from {{ ref('psn_people') }} as q
cross join r
group by r.i
