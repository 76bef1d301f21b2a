-- mechanism: json
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> json_group_array() -> case -> code
-- also: value_aggregate
select region, case when count(distinct person_key) >= 11 then json_group_array(person_key) end as code
from {{ ref('psn_people') }}
group by region
