-- mechanism: identifier_aggregate
-- rule: direct_identifier
-- column: total
-- path: raw_people.ssn -> replace() -> sum() -> total
-- also: layer personal_rows unguarded_aggregate
select city, sum(cast(replace(ssn, '-', '') as bigint)) as total
from {{ ref('raw_people') }}
group by city
