-- mechanism: star
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
-- also: personal_rows
select d.region_name, p.*
from {{ ref('psn_people') }} as p
join {{ ref('dim_regions') }} as d on p.region = d.region
