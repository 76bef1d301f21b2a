-- mechanism: guard_elsewhere
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> case -> m
-- also: personal_rows
select region, case when (
    select count(distinct person_key)
    from {{ ref('psn_people') }}
) >= 11 then avg(income) end as m
from {{ ref('psn_people') }}
group by region
