-- shows: guarded cells filtered by a guarded value
select * from {{ ref('mart_people_by_region') }}
where people_count > (select avg(m.people_count) from {{ ref('mart_people_by_region') }} as m)
order by people_count desc
