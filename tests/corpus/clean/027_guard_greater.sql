-- shows: more than ten is at least eleven
select
    sex,
    case when count(distinct person_key) > 10 then avg(income) end as income_mean
from {{ ref('psn_people') }}
group by sex
