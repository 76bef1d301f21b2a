-- shows: a public dimension joined before the aggregation
select
    r.country,
    r.region_name,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count
from {{ ref('psn_people') }} as p
inner join {{ ref('dim_regions') }} as r on p.region = r.region
group by r.country, r.region_name
