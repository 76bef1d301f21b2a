-- mechanism: broadcast
-- rule: broadcast
-- column: n
-- path: psn_people.person_key -> count() -> case -> n
select x.occupation as job, case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as n
from {{ ref('psn_people') }} as p
cross join (
    select occupation
    from {{ ref('psn_people') }}
    where age = 97
) as x
group by x.occupation
