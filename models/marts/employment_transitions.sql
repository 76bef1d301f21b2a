with

earnings as (

    select * from {{ ref('psn_earnings') }}

),

main_jobs as (

    -- The job that paid most in a year; the employer's pseudonym breaks a tie.
    select
        person_key,
        tax_year,
        arg_max(employer_key, row(wages, employer_key)) as employer_key
    from earnings
    group by person_key, tax_year

),

bounds as (

    select
        min(tax_year) as first_year,
        max(tax_year) as last_year
    from main_jobs

),

steps as (

    select
        earlier.person_key,
        earlier.tax_year as from_year,
        case
            when later.person_key is null then 'left'
            when later.employer_key = earlier.employer_key then 'stayed'
            else 'moved'
        end as transition
    from main_jobs as earlier
    left join main_jobs as later
        on earlier.person_key = later.person_key and earlier.tax_year + 1 = later.tax_year
    where earlier.tax_year < (select bounds.last_year from bounds)
    union all
    select
        later.person_key,
        later.tax_year - 1 as from_year,
        'entered' as transition
    from main_jobs as later
    left join main_jobs as earlier
        on later.person_key = earlier.person_key and later.tax_year - 1 = earlier.tax_year
    where earlier.person_key is null and later.tax_year > (select bounds.first_year from bounds)

),

cells as (

    select
        from_year,
        transition,
        {{ veil.suppress_small('count(distinct person_key)') }} as people_count
    from steps
    group by from_year, transition

)

select * from cells
