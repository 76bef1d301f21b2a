-- shows: how many languages a person speaks
select
    len(languages) as language_count,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by len(languages)
