-- mechanism: pivot
-- rule: unfollowable
with p as (
    select *
    from {{ ref('psn_jobs') }} pivot (max(wages) for job_year in (2023, 2024))
)
select *
from p
