-- shows: one row, no grouping
select
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count,
    case when count(distinct person_key) >= 11 then sum(income) end as income_total
from {{ ref('psn_people') }}
