-- mechanism: sensitive_grain
-- rule: sensitive_grain
-- column: i
-- path: psn_people.income -> join -> i
select r.i, case when count(distinct p.person_key) >= 11 then 1 end as n
from range(1000000) as r(i), {{ ref('psn_people') }} as p
where r.i = p.income
group by r.i
