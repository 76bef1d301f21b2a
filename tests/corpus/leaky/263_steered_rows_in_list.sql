-- mechanism: steered_rows
-- rule: steered_rows
-- column: region
-- path: psn_people.age
select region, region_name
from {{ ref('dim_regions') }}
where region in (
    select p.region
    from {{ ref('psn_people') }} as p
    where p.age = 97
)
