-- shows: a guard and a further condition on guarded values
select
    region,
    count(distinct person_key) as people_count,
    sum(income) as income_total
from {{ ref('psn_people') }}
group by region
having count(distinct person_key) >= 20 and avg(income) > 1000
order by income_total desc
limit 10
