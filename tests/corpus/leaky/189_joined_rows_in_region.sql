-- mechanism: joined_rows
-- rule: broadcast
-- column: n
-- path: psn_people.age -> join -> count() -> case -> n
-- also: steered_rows
select region, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
where region in (
    select q.region
    from {{ ref('psn_people') }} as q
    where q.age = 97
)
group by region
