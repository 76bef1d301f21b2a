-- mechanism: rare_group_count
-- rule: unguarded_aggregate
-- column: rows_count
-- path: psn_people.* -> count() -> rows_count
select region, case when count(distinct person_key) >= 11 then avg(income) end as m, count(*) as rows_count
from {{ ref('psn_people') }}
group by region
