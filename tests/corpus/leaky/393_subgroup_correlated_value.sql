-- mechanism: subgroup
-- rule: subgroup
-- column: x
-- path: psn_people.income -> sum() -> case -> x
with t as (
    select o.person_key, (
        select i.income
        from {{ ref('psn_people') }} as i
        where i.person_key = o.person_key and i.age = 97
    ) as mx
    from {{ ref('psn_orders') }} as o
)
select case when count(distinct t.person_key) >= 11 then sum(t.mx) end as x
from t
