-- mechanism: false_link
-- rule: guard_unit
-- column: x
-- path: psn_people.income -> max() -> avg() -> case -> x
with t as (
    select p.household_key, max(p.person_key) as person_key, max(x.income) as income
    from {{ ref('psn_people') }} as p
    cross join (
        select income
        from {{ ref('psn_people') }}
        where age = 97
    ) as x
    group by p.household_key
)
select case when count(distinct person_key) >= 11 then avg(income) end as x
from t
