-- shows: label of total
select case when grouping(region) = 1 then 'all' else region end as region, case when count(distinct person_key) >= 11 then count(distinct person_key) end n
from {{ ref('psn_people') }}
group by rollup (region)
