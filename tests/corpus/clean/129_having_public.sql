-- shows: having public
select p.region, case when count(distinct p.person_key) >= 11 then avg(p.income) end m, r.inhabitants
from {{ ref('psn_people') }} p
join {{ ref('dim_regions') }} r using (region)
group by p.region, r.inhabitants
having r.inhabitants > 100
