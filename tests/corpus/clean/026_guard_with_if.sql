-- shows: IF in place of CASE
select
    region,
    if(count(distinct person_key) >= 11, count(distinct person_key), null) as people_count
from {{ ref('psn_people') }}
group by region
