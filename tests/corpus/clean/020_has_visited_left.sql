-- shows: the same by a left join
with visitors as (

    select distinct person_key from {{ ref('psn_visits') }}

)

select
    p.sex,
    v.person_key is not null as has_visited,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count
from {{ ref('psn_people') }} as p
left join visitors as v on p.person_key = v.person_key
group by p.sex, v.person_key is not null
