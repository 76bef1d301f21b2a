-- shows: zero for hidden
with c as (
    select region, case when count(distinct person_key) >= 11 then count(distinct person_key) end n
    from {{ ref('psn_people') }}
    group by region
)
select coalesce(n, 0) as n, region, n is null as hidden
from c
