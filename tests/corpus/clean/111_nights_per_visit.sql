-- shows: nights per visit
select p.sex, v.ward, case when count(distinct v.person_key) >= 11 then sum(v.nights) end nights, case when count(distinct v.person_key) >= 11 then sum(v.nights) / count(*) end mean_nights
from {{ ref('psn_visits') }} v
join {{ ref('psn_people') }} p using (person_key)
where v.visited_on >= date '2023-06-01' and v.visited_on < date '2024-06-01'
group by p.sex, v.ward
