-- mechanism: steered_rows
-- rule: personal_rows
-- column: region
-- path: psn_people.region -> join -> region
select d.region
from {{ ref('dim_regions') }} as d
anti join {{ ref('psn_people') }} as p on d.region = p.region
