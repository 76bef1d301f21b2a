-- mechanism: except_rows
-- rule: personal_rows
-- column: region
-- path: psn_people.region -> region
select region
from {{ ref('dim_regions') }}
intersect
select region
from {{ ref('psn_people') }}
where age = 97
