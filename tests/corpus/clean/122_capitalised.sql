-- shows: capitalised
select upper(left(region, 1)) || substr(region, 2) as region, case when count(distinct person_key) >= 11 then avg(age) end m
from {{ ref('psn_people') }}
group by region
