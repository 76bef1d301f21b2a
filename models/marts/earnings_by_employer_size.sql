with

earnings as (

    select * from {{ ref('psn_earnings') }}

),

employers as (

    select
        tax_year,
        employer_key,
        count(distinct person_key) as employees
    from earnings
    group by tax_year, employer_key

),

sized as (

    select
        tax_year,
        employer_key,
        case
            when employees < 5 then '1-4'
            when employees < 10 then '5-9'
            when employees < 20 then '10-19'
            when employees < 50 then '20-49'
            when employees < 100 then '50-99'
            when employees < 250 then '100-249'
            else '250+'
        end as employer_size
    from employers

),

grouped as (

    select
        sized.tax_year,
        sized.employer_key,
        sized.employer_size,
        sizes.employer_size_group
    from sized
    inner join {{ ref('hierarchy_employer_size') }} as sizes
        on sized.employer_size = sizes.employer_size

),

cells as (

    select
        earnings.tax_year,
        grouped.employer_size_group,
        grouped.employer_size,
        {{ veil.suppress_small('count(distinct earnings.person_key)') }} as people_count,
        cast(
            {{ veil.suppress_small('round(avg(earnings.wages), -2)') }} as bigint
        ) as wages_mean
    from earnings
    inner join grouped
        on
            earnings.tax_year = grouped.tax_year
            and earnings.employer_key = grouped.employer_key
    group by earnings.tax_year, grouped.employer_size_group, grouped.employer_size

)

select * from cells
