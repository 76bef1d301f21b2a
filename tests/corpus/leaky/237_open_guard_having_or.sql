-- mechanism: open_guard
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.person_key -> count() -> n
-- also: personal_rows
select region, count(distinct person_key) as n
from {{ ref('psn_people') }}
group by region
having count(distinct person_key) >= 11 or region is not null
