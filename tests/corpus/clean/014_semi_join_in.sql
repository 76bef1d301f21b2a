-- shows: people who also appear elsewhere
select
    region,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as patients
from {{ ref('psn_people') }}
where person_key in (select person_key from {{ ref('psn_visits') }} where visit_year = 2024)
group by region
