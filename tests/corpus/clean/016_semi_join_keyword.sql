-- shows: SEMI JOIN
select
    sex,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
from {{ ref('psn_people') }}
semi join {{ ref('psn_orders') }} using (person_key)
group by sex
