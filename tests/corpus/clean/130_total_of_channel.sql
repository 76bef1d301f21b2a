-- shows: total of channel
select 'Total' as label, case when count(distinct person_key) >= 11 then count(*) end n
from {{ ref('psn_orders') }}
where channel = 'web' and amount > 0
