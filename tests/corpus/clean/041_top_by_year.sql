-- shows: QUALIFY over guarded cells
with cells as (

    select
        survey_year,
        occupation,
        count(distinct person_key) as people_count
    from {{ ref('psn_people') }}
    group by survey_year, occupation
    having count(distinct person_key) >= 11

)

select *
from cells
qualify row_number() over (partition by survey_year order by people_count desc) <= 3
