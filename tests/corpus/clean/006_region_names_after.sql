-- shows: a public dimension joined to the cells
with

cells as (

    select
        region,
        case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count,
        case when count(distinct person_key) >= 11 then median(income) end as income_median
    from {{ ref('psn_people') }}
    group by region

)

select
    r.region_name,
    cells.people_count,
    cells.income_median,
    round(1000.0 * cells.people_count / r.inhabitants, 1) as per_thousand
from cells
left join {{ ref('dim_regions') }} as r on cells.region = r.region
