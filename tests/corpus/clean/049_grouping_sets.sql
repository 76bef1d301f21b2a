-- shows: chosen margins, with their level
select
    region,
    age_band,
    grouping(region) as region_is_total,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by grouping sets ((region, age_band), (age_band), ())
