-- shows: one guarded count
select
    sex,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by sex
