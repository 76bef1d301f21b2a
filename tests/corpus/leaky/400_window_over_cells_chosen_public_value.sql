-- mechanism: window_over_cells
-- rule: personal_rows
-- column: r
-- path: psn_people.age -> r
select first_value(d.region) over (order by d.region in (
    select p.region
    from {{ ref('psn_people') }} as p
    where p.age = 97
) desc) as r
from {{ ref('dim_regions') }} as d
