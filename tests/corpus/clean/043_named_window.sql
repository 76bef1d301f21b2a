-- shows: a named window over guarded cells
with cells as (

    select
        visit_year,
        ward,
        case when count(distinct person_key) >= 11 then avg(cost) end as cost_mean
    from {{ ref('psn_visits') }}
    group by visit_year, ward

)

select
    visit_year,
    ward,
    cost_mean,
    cost_mean - avg(cost_mean) over by_year as above_mean
from cells
window by_year as (partition by visit_year)
