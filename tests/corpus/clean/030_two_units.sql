-- shows: people and households each need the threshold
select
    region,
    case
        when count(distinct person_key) >= 11 and count(distinct household_key) >= 11
            then count(distinct household_key)
    end as household_count
from {{ ref('psn_people') }}
group by region
