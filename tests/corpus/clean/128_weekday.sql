-- shows: weekday
select dayname(ordered_on) d, isodow(ordered_on) i, case when count(distinct person_key) >= 11 then count(*) end n
from {{ ref('psn_orders') }}
group by all
order by i
