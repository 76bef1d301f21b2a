-- shows: bands made by CASE from a quasi-identifier
select
    case
        when age < 18 then 'under 18'
        when age < 65 then '18-64'
        else '65+'
    end as age_group,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by 1
