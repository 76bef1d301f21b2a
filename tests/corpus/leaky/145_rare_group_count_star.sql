-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.* -> count() -> n
-- also: personal_rows
select region, occupation, count(*) as n
from {{ ref('psn_people') }}
group by region, occupation
