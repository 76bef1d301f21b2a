-- mechanism: self_join
-- rule: pseudonym
-- column: code
-- path: psn_orders.person_key -> code
-- also: personal_rows
select o.person_key as code
from {{ ref('psn_people') }} as p
left join {{ ref('psn_orders') }} as o on o.person_key = p.person_key
