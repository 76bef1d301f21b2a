-- shows: pairs of wards
with s as (
    select distinct person_key, ward
    from {{ ref('psn_visits') }}
)
select a.ward as ward_a, b.ward as ward_b, case when count(distinct a.person_key) >= 11 then count(distinct a.person_key) end n
from s a
join s b on a.person_key = b.person_key and a.ward < b.ward
group by all
