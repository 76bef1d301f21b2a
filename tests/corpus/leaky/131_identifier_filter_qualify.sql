-- mechanism: identifier_filter
-- rule: identifier_steers
-- path: psn_people.person_key
with p as (
    select *
    from {{ ref('psn_people') }}
    qualify row_number() over (partition by region order by age) > 1 or person_key = 'p1_a'
)
select sex, case when count(distinct person_key) >= 11 then count(distinct person_key) end as n
from p
group by sex
