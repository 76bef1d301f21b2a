-- mechanism: steered_rows
-- rule: steered_rows
-- column: region
-- path: psn_people.* -> count()
select region
from {{ ref('dim_regions') }}
order by region
limit (
    select count(*)
    from {{ ref('psn_people') }}
)
