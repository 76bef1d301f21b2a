-- shows: price per piece
select product_code, case when count(distinct person_key) >= 11 then sum(quantity) end q, case when count(distinct person_key) >= 11 then sum(amount) / nullif(sum(quantity), 0) end price
from {{ ref('psn_orders') }}
group by product_code
