-- shows: months as text
select strftime(ordered_on, '%Y-%m') as ym, case when count(distinct person_key) >= 11 then sum(amount) end s
from {{ ref('psn_orders') }}
group by 1
order by 1
