-- shows: a field of a struct
select
    home.city as city,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count,
    case when count(distinct person_key) >= 11 then avg(home.rooms) end as rooms_mean
from {{ ref('psn_people') }}
group by home.city
