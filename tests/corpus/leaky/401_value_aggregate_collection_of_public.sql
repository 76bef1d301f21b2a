-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: c
-- path: psn_people.* -> list() -> case -> c
select region, case when count(distinct person_key) >= 11 then list(survey_year) end as c
from {{ ref('psn_people') }}
group by region
