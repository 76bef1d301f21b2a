-- mechanism: window_neighbour
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> first_value() -> code
-- also: personal_rows unguarded_aggregate
select distinct first_value(person_key) over (partition by region order by age) as code
from {{ ref('psn_people') }}
