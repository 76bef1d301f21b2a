-- shows: the same part by CASE, guarded by the same CASE
select
    sex,
    case
        when count(distinct case when age >= 65 then person_key end) >= 11
            then sum(case when age >= 65 then income end)
    end as income_of_the_old
from {{ ref('psn_people') }}
group by sex
