-- mechanism: joined_rows
-- rule: broadcast
-- column: n
-- path: psn_people.region -> join -> count() -> case -> n
select p.region, case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as n
from {{ ref('psn_people') }} as p
join (
    select region
    from {{ ref('psn_people') }}
    where age = 97 and diagnosis = 'F20'
) as x on p.region = x.region
group by p.region
