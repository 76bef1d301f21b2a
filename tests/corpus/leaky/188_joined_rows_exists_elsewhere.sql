-- mechanism: joined_rows
-- rule: steered_rows
-- column: sex
-- path: psn_people.income
select sex, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
where exists (
    select 1
    from {{ ref('psn_people') }} as q
    where q.age = 97 and q.income > 90000
)
group by sex
