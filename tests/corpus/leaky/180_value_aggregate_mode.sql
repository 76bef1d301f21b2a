-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: m
-- path: psn_people.diagnosis -> mode() -> case -> m
select region, case when count(distinct person_key) >= 11 then mode(diagnosis) end as m
from {{ ref('psn_people') }}
group by region
