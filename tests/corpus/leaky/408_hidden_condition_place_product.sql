-- mechanism: hidden_condition
-- rule: subgroup
-- column: x
-- path: psn_people.income -> sum() -> case -> x
with x as (
    select *, row_number() over (order by income desc) as r
    from {{ ref('psn_people') }}
)
select case when count(distinct person_key) >= 11 then sum(income / r) end as x
from x
