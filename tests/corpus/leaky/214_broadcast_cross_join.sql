-- mechanism: broadcast
-- rule: broadcast
-- column: x
-- path: psn_people.income -> avg() -> case -> x
select p.region, case when count(distinct p.person_key) >= 11 then avg(x.income) end as x
from {{ ref('psn_people') }} as p
cross join (
    select income
    from {{ ref('psn_people') }}
    where age = 97
) as x
group by p.region
