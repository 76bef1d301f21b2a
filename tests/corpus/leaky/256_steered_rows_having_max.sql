-- mechanism: steered_rows
-- rule: steered_rows
-- column: region
-- path: psn_people.income -> max()
select region, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_people') }}
group by region
having max(income) > 100000
