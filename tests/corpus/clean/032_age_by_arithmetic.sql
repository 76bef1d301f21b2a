-- shows: bands made by arithmetic
select
    age - age % 10 as decade,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by decade
order by decade
