-- shows: a field of a JSON column
select
    extras ->> '$.plan' as plan,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by all
