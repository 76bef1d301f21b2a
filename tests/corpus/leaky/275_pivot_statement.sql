-- mechanism: pivot
-- rule: unfollowable
pivot {{ ref('psn_people') }} on sex using count(*) group by region
