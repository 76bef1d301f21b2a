-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: top
-- path: psn_people.income -> quantile_cont() -> case -> top
-- runs: no
select p.region, case when count(distinct p.person_key) >= 11 then quantile_cont(p.income * 0.5, p.age / 97) end as top
from {{ ref('psn_people') }} as p
group by p.region
