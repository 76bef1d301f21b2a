-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: label
-- path: psn_people.diagnosis -> join -> min() -> label
with p as (
    select person_key, (
        select min(c.label)
        from {{ ref('dim_codes') }} as c
        where c.code = q.diagnosis
    ) as label
    from {{ ref('psn_people') }} as q
)
select label, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from p
group by label
