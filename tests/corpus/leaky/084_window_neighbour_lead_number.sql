-- mechanism: window_neighbour
-- rule: unguarded_aggregate
-- column: next_income
-- path: psn_people.income -> lead() -> next_income
-- also: personal_rows
select region, lead(income) over (partition by region order by age) as next_income
from {{ ref('psn_people') }}
