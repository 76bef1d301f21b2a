with

earnings as (

    select * from {{ ref('psn_earnings') }}

),

people as (

    select * from {{ ref('psn_social_security') }}
    where event_type = 'creation'

),

yearly as (

    select
        earnings.tax_year,
        people.sex,
        earnings.age_band,
        earnings.person_key,
        sum(earnings.wages) as wages
    from earnings
    inner join people on earnings.ssn_key = people.ssn_key
    group by earnings.tax_year, people.sex, earnings.age_band, earnings.person_key

),

cells as (

    select
        tax_year,
        sex,
        age_band,
        {{ veil.suppress_small('count(distinct person_key)') }} as people_count,
        cast({{ veil.suppress_small('round(avg(wages), -2)') }} as bigint) as wages_mean
    from yearly
    group by tax_year, sex, age_band

)

select * from cells
