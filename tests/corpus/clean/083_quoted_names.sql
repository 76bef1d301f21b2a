-- shows: quoted and mixed-case names
with "People" as (

    select PERSON_KEY as "Person_Key", "Sex", Region from {{ ref('psn_people') }}

)

select
    "SEX" as sex,
    case when count(distinct person_key) >= 11 then count(distinct PERSON_KEY) end as "People Count"
from people
group by SEX
