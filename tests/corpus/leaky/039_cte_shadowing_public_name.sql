-- mechanism: cte_shadowing
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
with dim_regions as (
    select person_key as region
    from {{ ref('psn_people') }}
)
select region as code
from dim_regions
