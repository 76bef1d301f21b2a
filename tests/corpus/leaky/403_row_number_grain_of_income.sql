-- mechanism: row_number_grain
-- rule: personal_rows
-- column: r
-- path: psn_people.income -> rank() -> r
with x as (
    select person_key, region, rank() over (order by income desc) as r
    from {{ ref('psn_people') }}
)
select r, region, case when count(distinct person_key) >= 11 then 1 end as n
from x
group by r, region
