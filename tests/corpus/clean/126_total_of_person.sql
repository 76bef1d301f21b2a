-- shows: total of person
with x as (
    select person_key, region, sum(amount) over (partition by person_key) as total
    from {{ ref('psn_orders') }}
    join {{ ref('psn_people') }} using (person_key)
)
select region, case when count(distinct person_key) >= 11 then avg(total) end m
from x
group by region
