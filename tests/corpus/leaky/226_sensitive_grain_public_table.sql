-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: code
-- path: psn_people.income -> join -> code
select c.code, case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as n
from {{ ref('psn_people') }} as p
join {{ ref('dim_codes') }} as c on p.income between c.low and c.high
group by c.code
