-- mechanism: unguarded_mean
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> m
select region, (
    select avg(income)
    from {{ ref('psn_people') }}
) as m
from {{ ref('dim_regions') }}
