-- shows: two measures
select 'income' as measure, region, case when count(distinct person_key) >= 11 then avg(income) end v
from {{ ref('psn_people') }}
group by region
union all
select 'age', region, case when count(distinct person_key) >= 11 then avg(age) end
from {{ ref('psn_people') }}
group by region
