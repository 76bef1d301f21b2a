-- shows: thirds of cells
with c as (
    select region, count(distinct person_key) n, avg(income) m
    from {{ ref('psn_people') }}
    group by region
    having count(distinct person_key) >= 11
)
select *, ntile(3) over (order by m) as third
from c
