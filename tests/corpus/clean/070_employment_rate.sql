-- shows: a share of which both parts are guarded
select
    region,
    case
        when
            count(distinct person_key) filter (where is_employed) >= 11
            and count(distinct person_key) filter (where not is_employed) >= 11
            then
                count(distinct person_key) filter (where is_employed)
                / count(distinct person_key)
    end as employment_rate
from {{ ref('psn_people') }}
group by region
