-- mechanism: wrong_layer
-- rule: layer
-- also: steered_rows
select region
from {{ ref('dim_regions') }} as d
where exists (
    select 1
    from {{ ref('seed_members') }} as m
    where m.city = d.region
)
