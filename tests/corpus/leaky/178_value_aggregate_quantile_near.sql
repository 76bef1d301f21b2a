-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: top
-- path: psn_people.income -> percentile_disc() -> top
select region, percentile_disc(0.99) within group (order by income) as top
from {{ ref('psn_people') }}
group by region
having count(distinct person_key) >= 11
