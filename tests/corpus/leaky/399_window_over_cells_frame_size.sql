-- mechanism: window_over_cells
-- rule: personal_rows
-- column: c
-- path: psn_people.income -> c
select count(*) over (order by region rows between (
    select p.income
    from {{ ref('psn_people') }} as p
    limit 1
) preceding and current row) as c
from {{ ref('dim_regions') }}
