-- mechanism: false_link
-- rule: guard_unit
-- column: x
-- path: psn_people.income -> avg() -> case -> x
with t as (
    select household_key as person_key, income
    from {{ ref('psn_people') }}
)
select case when count(distinct person_key) >= 11 then avg(income) end as x
from t
