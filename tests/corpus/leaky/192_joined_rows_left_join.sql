-- mechanism: joined_rows
-- rule: broadcast
-- column: n
-- path: psn_people.person_key -> count() -> case -> n
select p.region, case when count(distinct p.person_key) >= 11 then count(*) end as n
from {{ ref('psn_people') }} as p
left join {{ ref('psn_orders') }} as o on o.order_year = p.survey_year
group by p.region
