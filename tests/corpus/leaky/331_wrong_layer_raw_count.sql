-- mechanism: wrong_layer
-- rule: layer
-- also: guard_unit
select city, case when count(distinct person_id) >= 11 then count(*) end as n
from {{ ref('raw_people') }}
group by city
