-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: income
-- path: psn_people.income -> income
select income, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by income
