-- shows: one row for each member of a list
with spoken as (

    select person_key, region, unnest(languages) as language
    from {{ ref('psn_people') }}

)

select
    language,
    region,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as speakers
from spoken
group by language, region
