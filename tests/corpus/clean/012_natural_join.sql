-- shows: the same with NATURAL JOIN over the one common column
with

people as (

    select person_key, sex from {{ ref('psn_people') }}

),

visits as (

    select person_key, ward, cost from {{ ref('psn_visits') }}

)

select
    sex,
    ward,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as patients,
    case when count(distinct person_key) >= 11 then avg(cost) end as cost_mean
from people natural join visits
group by sex, ward
