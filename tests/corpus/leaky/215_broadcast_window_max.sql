-- mechanism: broadcast
-- rule: broadcast
-- column: top
-- path: psn_people.income -> max() -> avg() -> case -> top
with p as (
    select person_key, region, max(income) over () as top_income
    from {{ ref('psn_people') }}
)
select region, case when count(distinct person_key) >= 11 then avg(top_income) end as top
from p
group by region
