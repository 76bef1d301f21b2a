-- shows: back within a month
with w as (
    select person_key, ward, visited_on, lead(visited_on) over (partition by person_key order by visited_on, ward) nxt
    from {{ ref('psn_visits') }}
)
select ward, case when count(distinct person_key) >= 11 then count(*) end n
from w
where nxt - visited_on <= 30
group by ward
