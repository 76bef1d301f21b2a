-- shows: year and quarter
select extract(year from ordered_on) as y, extract(quarter from ordered_on) as q, case when count(distinct person_key) >= 11 then sum(amount) end s
from {{ ref('psn_orders') }}
group by all
