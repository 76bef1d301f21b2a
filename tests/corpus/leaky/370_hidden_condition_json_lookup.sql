-- mechanism: hidden_condition
-- rule: subgroup
-- column: x
-- path: psn_people.diagnosis -> json_object() -> sum() -> case -> x
select region, case when count(distinct person_key) >= 11 then sum((json_object(diagnosis, income) ->> 'F20')::bigint) end as x
from {{ ref('psn_people') }}
group by region
