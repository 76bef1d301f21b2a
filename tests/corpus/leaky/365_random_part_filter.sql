-- mechanism: random_part
-- rule: unfollowable
-- column: x
select region, case when count(distinct person_key) >= 11 then sum(income) filter (where random() < 0.01) end as x
from {{ ref('psn_people') }}
group by region
