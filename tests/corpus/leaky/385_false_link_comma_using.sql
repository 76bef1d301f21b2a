-- mechanism: false_link
-- rule: broadcast
-- column: x
-- path: psn_people.income -> avg() -> case -> x
select case when count(distinct p.person_key) >= 11 then avg(q.income) end as x
from {{ ref('psn_people') }} as p, (
    select *
    from {{ ref('psn_people') }}
    where age = 97
) as q
join {{ ref('psn_visits') }} as v using (person_key)
