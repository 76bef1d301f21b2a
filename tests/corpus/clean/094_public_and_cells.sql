-- shows: every region, also where nobody lives
with cells as (

    select
        region,
        case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
    from {{ ref('psn_people') }}
    group by region

)

select
    r.region,
    r.region_name,
    cells.people_count is not null as is_shown,
    cells.people_count
from {{ ref('dim_regions') }} as r
left join cells using (region)
