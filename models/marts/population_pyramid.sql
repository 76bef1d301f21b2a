with

people as (

    select * from {{ ref('psn_census') }}

),

cells as (

    select
        census_year,
        sex,
        age_band,
        {{ veil.suppress_small('count(distinct person_key)') }} as people_count
    from people
    group by census_year, sex, age_band

)

select * from cells
