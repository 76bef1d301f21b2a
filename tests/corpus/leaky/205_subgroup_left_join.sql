-- mechanism: subgroup
-- rule: subgroup
-- column: cost
-- path: psn_visits.cost -> sum() -> case -> cost
select p.region, case when count(distinct p.person_key) >= 11 then sum(v.cost) end as cost
from {{ ref('psn_people') }} as p
left join (
    select *
    from {{ ref('psn_visits') }}
    where chapter = 'F20'
) as v on p.person_key = v.person_key
group by p.region
