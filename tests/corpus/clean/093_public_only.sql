-- shows: a mart of public data alone
select
    country,
    count(*) as regions,
    sum(inhabitants) as inhabitants,
    max(region_name) as last_name
from {{ ref('dim_regions') }}
group by country
