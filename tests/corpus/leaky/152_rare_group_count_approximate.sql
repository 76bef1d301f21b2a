-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.person_key -> approx_count_distinct() -> n
-- also: personal_rows
select region, approx_count_distinct(person_key) as n
from {{ ref('psn_people') }}
group by region
