-- mechanism: identifier_filter
-- rule: identifier_steers
-- path: psn_people.person_key
select d.country, case when count(distinct p.person_key) >= 11 then avg(p.income) end as m
from {{ ref('psn_people') }} as p
join {{ ref('dim_regions') }} as d on p.region = d.region and p.person_key > 'p1_c'
group by d.country
