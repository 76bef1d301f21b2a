-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: band
-- path: psn_people.income -> band
select income - income % 1000 as band, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by band
