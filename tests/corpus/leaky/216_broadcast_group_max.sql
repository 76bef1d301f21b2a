-- mechanism: broadcast
-- rule: broadcast
-- column: top
-- path: psn_people.income -> max() -> avg() -> case -> top
with t as (
    select region, max(income) as top_income
    from {{ ref('psn_people') }}
    group by region
)
select p.region, case when count(distinct p.person_key) >= 11 then avg(t.top_income) end as top
from {{ ref('psn_people') }} as p
join t on p.region = t.region
group by p.region
