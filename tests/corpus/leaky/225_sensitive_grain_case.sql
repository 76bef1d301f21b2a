-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: has_it
-- path: psn_people.diagnosis -> case -> has_it
select case when diagnosis = 'F20' then 'yes' else 'no' end as has_it, region, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by all
