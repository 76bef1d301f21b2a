-- mechanism: correlated
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> min() -> case -> code
-- also: unguarded_aggregate
select d.region, case when d.country = 'x' then (
    select min(p.person_key)
    from {{ ref('psn_people') }} as p
) else 'none' end as code
from {{ ref('dim_regions') }} as d
