with

people as (

    select * from {{ ref('psn_census') }}

),

households as (

    select
        census_year,
        household_key,
        count(distinct person_key) as size,
        count(*) filter (where relationship_group = 'Child') > 0 as has_children
    from people
    group by census_year, household_key

),

placed as (

    select
        people.census_year,
        people.person_key,
        people.household_key,
        households.has_children,
        case
            when households.size >= 5 then '5+'
            else cast(households.size as varchar)
        end as household_size
    from people
    inner join households
        on
            people.census_year = households.census_year
            and people.household_key = households.household_key

),

cells as (

    select
        census_year,
        household_size,
        has_children,
        {{ veil.suppress_small(
            'count(distinct person_key)', unit=['person_key', 'household_key']
        ) }} as people_count,
        {{ veil.suppress_small(
            'count(distinct household_key)', unit=['person_key', 'household_key']
        ) }} as household_count
    from placed
    group by census_year, household_size, has_children

)

select * from cells
