-- shows: the latest visit of a person
with latest as (

    select distinct on (person_key) person_key, ward, visit_year
    from {{ ref('psn_visits') }}
    order by person_key, visited_on desc

)

select
    ward,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as patients
from latest
group by ward
