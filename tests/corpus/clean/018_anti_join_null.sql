-- shows: the same as LEFT JOIN and IS NULL
select
    p.age_band,
    case when count(distinct p.person_key) >= 11 then count(distinct p.person_key) end as people_count
from {{ ref('psn_people') }} as p
left join {{ ref('psn_visits') }} as v on p.person_key = v.person_key
where v.person_key is null
group by p.age_band
