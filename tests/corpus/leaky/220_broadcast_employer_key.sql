-- mechanism: broadcast
-- rule: broadcast
-- column: w
-- path: psn_jobs.wages -> avg() -> case -> w
select case when count(distinct j.person_key) >= 11 then avg(x.wages) end as w
from {{ ref('psn_jobs') }} as j
join (
    select employer_key, wages
    from {{ ref('psn_jobs') }}
    where hours > 90
) as x on j.employer_key = x.employer_key
