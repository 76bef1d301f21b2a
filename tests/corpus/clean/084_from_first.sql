-- shows: FROM before SELECT
from {{ ref('psn_people') }}
select
    region,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
group by region
