-- mechanism: broadcast
-- rule: broadcast
-- column: m
-- path: psn_people.income -> avg() -> case -> m
select x.n, case when count(distinct p.person_key) >= 11 then avg(p.income) end as m
from {{ ref('psn_people') }} as p
cross join (
    select region, count(*) as n
    from {{ ref('psn_people') }}
    group by region
) as x
group by x.n
