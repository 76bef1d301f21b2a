-- mechanism: subgroup
-- rule: subgroup
-- column: total
-- path: psn_people.income -> sum() -> case -> total
with u as (
    select person_key, income
    from {{ ref('psn_people') }}
    where age = 97
    union all
    select person_key, null
    from {{ ref('psn_people') }}
)
select case when count(distinct person_key) >= 11 then sum(income) end as total
from u
