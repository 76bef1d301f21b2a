-- shows: a lambda over a list
select
    len(list_filter(languages, x -> x <> 'en')) > 0 as speaks_another,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
from {{ ref('psn_people') }}
group by 1
