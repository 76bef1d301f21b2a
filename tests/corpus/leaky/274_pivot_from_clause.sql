-- mechanism: pivot
-- rule: unfollowable
select *
from (
    select region, sex, age
    from {{ ref('psn_people') }}
) pivot (count(*) for sex in ('f', 'm'))
