-- mechanism: value_aggregate
-- rule: value_aggregate
-- column: all_incomes
-- path: psn_people.income -> list() -> case -> all_incomes
select region, case when count(distinct person_key) >= 11 then list(income order by income) end as all_incomes
from {{ ref('psn_people') }}
group by region
