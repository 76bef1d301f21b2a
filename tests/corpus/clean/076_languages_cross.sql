-- shows: the same by CROSS JOIN UNNEST
select
    l.language,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as speakers
from {{ ref('psn_people') }} as p
cross join unnest(p.languages) as l(language)
group by l.language
