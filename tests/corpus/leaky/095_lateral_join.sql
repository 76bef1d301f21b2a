-- mechanism: lateral
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select x.code
from {{ ref('dim_regions') }} as d
cross join lateral (
    select p.person_key as code
    from {{ ref('psn_people') }} as p
    where p.region = d.region
    limit 1
) as x
