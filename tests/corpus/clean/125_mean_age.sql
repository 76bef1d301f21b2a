-- shows: mean age
select age_band, case when count(distinct person_key) >= 11 then avg(date_diff('year', birth_year_on, date '2024-01-01')) end a
from {{ ref('psn_people') }}
group by age_band
