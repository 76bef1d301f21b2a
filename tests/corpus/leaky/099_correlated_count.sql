-- mechanism: correlated
-- rule: unguarded_aggregate
-- column: n
-- path: psn_people.person_key -> count() -> n
select d.region, (
    select count(distinct p.person_key)
    from {{ ref('psn_people') }} as p
    where p.region = d.region
) as n
from {{ ref('dim_regions') }} as d
