-- shows: median and quartiles
select
    sex,
    case when count(distinct person_key) >= 11 then quantile_cont(income, 0.25) end as income_q1,
    case when count(distinct person_key) >= 11 then median(income) end as income_q2,
    case when count(distinct person_key) >= 11 then quantile_cont(income, 0.75) end as income_q3
from {{ ref('psn_people') }}
group by sex
