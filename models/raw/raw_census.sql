with

source as (

    select * from {{
        source('sample', 'census') if env_var('VEIL_DATA', 'seeds') == 'full'
        else ref('seed_census')
    }}

),

typed as (

    select

        ---------- direct identifiers
        simulant_id as person_id,
        household_id,

        ---------- quasi-identifiers
        {{ veil.typed('age', 'integer') }} as age,
        sex,
        race_ethnicity,
        relationship_to_reference_person as relationship,
        housing_type,

        ---------- facts
        {{ veil.typed('year', 'integer') }} as census_year

    from source

)

select * from typed
