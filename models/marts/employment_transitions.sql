with

earnings as (

    select * from {{ ref('psn_earnings') }}

),

main_jobs as (

    -- The job that paid most in a year; the employer's pseudonym breaks a tie.
    select
        person_key,
        tax_year,
        arg_max(employer_key, {'wages': wages, 'employer': employer_key}) as employer_key
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
        before.person_key,
        before.tax_year as from_year,
        case
            when after.person_key is null then 'left'
            when after.employer_key = before.employer_key then 'stayed'
            else 'moved'
        end as transition
    from main_jobs as before
    left join main_jobs as after
        on before.person_key = after.person_key and before.tax_year + 1 = after.tax_year
    where before.tax_year < (select bounds.last_year from bounds)
    union all
    select
        after.person_key,
        after.tax_year - 1 as from_year,
        'entered' as transition
    from main_jobs as after
    left join main_jobs as before
        on after.person_key = before.person_key and after.tax_year - 1 = before.tax_year
    where before.person_key is null and after.tax_year > (select bounds.first_year from bounds)

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
