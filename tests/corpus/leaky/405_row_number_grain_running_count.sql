-- mechanism: row_number_grain
-- rule: unguarded_aggregate
-- column: c
-- path: psn_people.* -> count() -> c
with x as (
    select person_key, sex, count(*) over (order by age rows unbounded preceding) as c
    from {{ ref('psn_people') }}
)
select c, sex, case when count(distinct person_key) >= 11 then 1 end as n
from x
group by c, sex
