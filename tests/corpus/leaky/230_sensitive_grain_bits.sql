-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: b
-- path: psn_people.income -> || -> b
select (income & 1)::varchar || (income & 2)::varchar as b, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by b
