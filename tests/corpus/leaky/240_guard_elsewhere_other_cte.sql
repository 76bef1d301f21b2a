-- mechanism: guard_elsewhere
-- rule: unguarded_aggregate
-- column: m
-- path: psn_people.income -> avg() -> m
-- also: personal_rows
with big as (
    select sex, count(distinct person_key) as n
    from {{ ref('psn_people') }}
    group by sex
), c as (
    select region, sex, avg(income) as m
    from {{ ref('psn_people') }}
    group by region, sex
)
select c.region, c.sex, c.m
from c
join big on c.sex = big.sex
where big.n >= 11
