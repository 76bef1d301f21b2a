-- mechanism: identifier_aggregate
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> count() -> case -> code
-- also: guard_unit layer value_aggregate
select city, case when count(distinct ssn) >= 11 then any_value(ssn) end as code
from {{ ref('raw_people') }}
group by city
