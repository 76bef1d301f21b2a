-- mechanism: broadcast
-- rule: broadcast
-- column: top
-- path: psn_people.income -> max() -> avg() -> case -> top
-- also: subgroup
with p as (
    select person_key, sex, (
        select max(q.income)
        from {{ ref('psn_people') }} as q
    ) as top_income
    from {{ ref('psn_people') }}
)
select sex, case when count(distinct person_key) >= 11 then avg(top_income) end as top
from p
group by sex
