-- shows: a part of the cell, counted by the guard too
select
    region,
    case
        when count(distinct person_key) filter (where is_employed) >= 11
            then count(distinct person_key) filter (where is_employed)
    end as employed_count,
    case
        when count(distinct person_key) filter (where is_employed) >= 11
            then avg(income) filter (where is_employed)
    end as employed_income_mean
from {{ ref('psn_people') }}
group by region
