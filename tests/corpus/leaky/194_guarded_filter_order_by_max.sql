-- mechanism: guarded_filter
-- rule: steered_rows
-- column: region
-- path: psn_people.income -> max()
select region, count(distinct person_key) as n
from {{ ref('psn_people') }}
group by region
having count(distinct person_key) >= 11
order by max(income)
