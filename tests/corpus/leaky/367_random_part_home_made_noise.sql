-- mechanism: random_part
-- rule: unfollowable
-- column: x
-- also: personal_rows unguarded_aggregate
select region, count(distinct person_key) + round(random() * 4) as x
from {{ ref('psn_people') }}
group by region
