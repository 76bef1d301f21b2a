-- mechanism: pivot
-- rule: unfollowable
select * from {{ ref('psn_people') }} unpivot (value for name in (sex, region))
