-- mechanism: row_number_grain
-- rule: personal_rows
-- column: r
with x as (
    select person_key, region, row_number() over () as r
    from {{ ref('psn_people') }}
)
select r, region, case when count(distinct person_key) >= 11 then 1 end as n
from x
group by r, region
