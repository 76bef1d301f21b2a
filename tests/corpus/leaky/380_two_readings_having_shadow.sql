-- mechanism: two_readings
-- rule: steered_rows
-- column: region
-- path: psn_people.age
with c as (
    select region, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n, max(age) as age
    from {{ ref('psn_people') }}
    group by region
    having age > 96
)
select region, n
from c
