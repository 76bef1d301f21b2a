-- mechanism: positional_join
-- rule: unfollowable
select c.label, p.sex
from {{ ref('dim_codes') }} as c
positional join {{ ref('psn_people') }} as p
