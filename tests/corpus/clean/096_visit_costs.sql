-- shows: three models over one person
select
    v.ward,
    p.age_band,
    case when count(distinct v.person_key) >= 11 then count(distinct v.person_key) end as patients,
    case when count(distinct v.person_key) >= 11 then cast(round(avg(v.cost)) as bigint) end as cost_mean
from {{ ref('psn_visits') }} as v
inner join {{ ref('psn_people') }} as p on v.person_key = p.person_key
inner join {{ ref('psn_jobs') }} as j on j.person_key = p.person_key and j.job_year = v.visit_year
group by v.ward, p.age_band
