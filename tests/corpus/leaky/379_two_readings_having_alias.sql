-- mechanism: two_readings
-- rule: guard_unit
-- column: income
-- path: psn_people.income -> max() -> income
-- also: steered_rows value_aggregate
select region, max(income) as income, case when count(distinct person_key) >= 11 then 1 end as n
from {{ ref('psn_people') }}
group by region
having income > 90000
