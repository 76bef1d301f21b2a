-- shows: the count itself in classes
select
    region,
    case
        when count(distinct person_key) < 11 then null
        when count(distinct person_key) < 50 then 'small'
        when count(distinct person_key) < 200 then 'medium'
        else 'large'
    end as size_class
from {{ ref('psn_people') }}
group by region
