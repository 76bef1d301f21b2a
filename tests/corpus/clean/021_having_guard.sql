-- shows: cells under the threshold are left out by HAVING
select
    region,
    occupation,
    count(distinct person_key) as people_count,
    avg(income) as income_mean
from {{ ref('psn_people') }}
group by region, occupation
having count(distinct person_key) >= 11
