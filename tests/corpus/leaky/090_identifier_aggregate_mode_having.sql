-- mechanism: identifier_aggregate
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> mode() -> code
-- also: value_aggregate
select region, mode(person_key) as code
from {{ ref('psn_people') }}
group by region
having count(distinct person_key) >= 11
