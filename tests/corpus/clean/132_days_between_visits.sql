-- shows: days between visits
with w as (
    select person_key, ward, date_diff('day', visited_on, lead(visited_on) over (partition by person_key order by visited_on)) gap
    from {{ ref('psn_visits') }}
)
select ward, case when count(distinct person_key) >= 11 then avg(gap) end n
from w
where gap is not null
group by ward
