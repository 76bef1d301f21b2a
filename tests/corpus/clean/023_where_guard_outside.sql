-- shows: the guard one step after the aggregation
with cells as (

    select
        chapter,
        visit_year,
        count(distinct person_key) as patients,
        avg(cost) as cost_mean
    from {{ ref('psn_visits') }}
    group by chapter, visit_year

)

select
    chapter,
    visit_year,
    patients,
    round(cost_mean, 0) as cost_mean
from cells
where patients >= 11
