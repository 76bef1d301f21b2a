-- shows: the threshold on the left
select
    sex,
    case when 11 <= count(distinct person_key) then stddev(income) end as income_deviation
from {{ ref('psn_people') }}
group by sex
