-- mechanism: window_neighbour
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> max() -> code
-- also: personal_rows unguarded_aggregate
select max(person_key) over w as code
from {{ ref('psn_people') }}
window w as (partition by region)
