-- shows: the same with CASE
with cells as (

    select
        ward,
        count(distinct person_key) as patients,
        avg(nights) as nights_mean
    from {{ ref('psn_visits') }}
    group by ward

)

select
    ward,
    case when patients >= 11 then patients end as patients,
    case when patients >= 11 then round(nights_mean, 1) end as nights_mean
from cells
