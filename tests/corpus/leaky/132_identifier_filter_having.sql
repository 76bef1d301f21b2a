-- mechanism: identifier_filter
-- rule: identifier_steers
-- path: psn_people.person_key -> max()
-- also: steered_rows
select region, count(distinct person_key) as n
from {{ ref('psn_people') }}
group by region
having count(distinct person_key) >= 11 and max(person_key) > 'p1_m'
