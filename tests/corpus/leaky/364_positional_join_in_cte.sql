-- mechanism: positional_join
-- rule: unfollowable
with x as (
    select *
    from {{ ref('psn_people') }}
    positional join range(300) as r(i)
)
select sex, case when count(distinct person_key) >= 11 then 1 end as n
from x
group by sex
