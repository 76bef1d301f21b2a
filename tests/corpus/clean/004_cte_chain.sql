-- shows: import, filter, cells
with

people as (

    select * from {{ ref('psn_people') }}

),

adults as (

    select * from people
    where age >= 18

),

cells as (

    select
        region,
        sex,
        case when count(distinct person_key) >= 11 then count(distinct person_key) end as people_count
    from adults
    group by region, sex

)

select * from cells
