-- mechanism: correlated
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> max() -> code
-- also: unguarded_aggregate
select d.region, (
    select max(p.person_key)
    from {{ ref('psn_people') }} as p
    where p.region = d.region
) as code
from {{ ref('dim_regions') }} as d
