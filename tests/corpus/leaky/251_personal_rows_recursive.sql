-- mechanism: personal_rows
-- rule: personal_rows
-- column: depth
-- path: psn_people.*
with recursive r(depth) as (
    select 1
    from {{ ref('psn_people') }}
    union all
    select depth + 1
    from r
    where depth < 3
)
select depth
from r
