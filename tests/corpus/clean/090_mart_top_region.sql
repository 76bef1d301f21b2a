-- shows: the extreme of guarded cells
select
    survey_year,
    max(people_count) as largest,
    arg_max(region, people_count) as largest_region,
    string_agg(region, ', ' order by region) as regions
from {{ ref('mart_people_by_region') }}
group by survey_year
