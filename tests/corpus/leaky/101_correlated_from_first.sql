-- mechanism: correlated
-- rule: direct_identifier
-- column: code
-- path: raw_people.full_name -> code
-- also: layer personal_rows
select d.region, (
    from {{ ref('raw_people') }} as p
    select p.full_name
    where p.city = d.region
    limit 1
) as code
from {{ ref('dim_regions') }} as d
