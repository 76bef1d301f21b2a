-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: all_diagnoses
-- path: psn_people.diagnosis -> string_agg() -> case -> all_diagnoses
select region, case when count(distinct person_key) >= 11 then string_agg(distinct diagnosis, ';') end as all_diagnoses
from {{ ref('psn_people') }}
group by region
