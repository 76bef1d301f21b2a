-- shows: the newest year by a scalar subquery
with people as (

    select * from {{ ref('psn_people') }}

)

select
    region,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from people
where survey_year = (select max(people.survey_year) from people)
group by region
