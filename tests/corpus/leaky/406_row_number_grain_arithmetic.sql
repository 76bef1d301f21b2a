-- mechanism: row_number_grain
-- rule: personal_rows
-- column: r
-- path: psn_people.age -> row_number() -> r
select 2 * x.r as r, x.region, case when count(distinct x.person_key) >= 11 then 1 end as n
from (
    select *, row_number() over (order by age) as r
    from {{ ref('psn_people') }}
) as x
group by all
