-- mechanism: correlated
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select d.region, (
    select p.person_key
    from {{ ref('psn_people') }} as p
    where p.region = d.region
    limit 1
) as code
from {{ ref('dim_regions') }} as d
