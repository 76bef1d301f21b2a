-- mechanism: subgroup
-- rule: subgroup
-- column: x
-- path: psn_people.income -> sum() -> case -> x
with t as (
    select person_key, sum(income) filter (where age = 97) as mx
    from {{ ref('psn_people') }}
    group by person_key
)
select case when count(distinct person_key) >= 11 then sum(mx) end as x
from t
