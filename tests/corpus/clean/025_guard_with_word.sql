-- shows: a hidden cell says so
select
    region,
    case
        when count(distinct person_key) < 11 then 'hidden'
        else cast(count(distinct person_key) as varchar)
    end as people_count
from {{ ref('psn_people') }}
group by region
