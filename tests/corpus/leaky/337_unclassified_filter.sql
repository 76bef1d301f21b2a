-- mechanism: unclassified
-- rule: unclassified
select sex, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from {{ ref('psn_untagged') }}
where remark like '%vip%'
group by sex
