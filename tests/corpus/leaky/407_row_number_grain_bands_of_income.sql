-- mechanism: row_number_grain
-- rule: sensitive_grain
-- column: quarter
-- path: psn_people.income -> ntile() -> case -> quarter
with x as (
    select person_key, case when ntile(4) over (order by income) = 4 then 'top' else 'rest' end as quarter
    from {{ ref('psn_people') }}
)
select quarter, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from x
group by quarter
