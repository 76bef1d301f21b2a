with

source as (

    select * from {{
        source('sample', 'wic') if env_var('VEIL_DATA', 'seeds') == 'full'
        else ref('seed_wic')
    }}

),

typed as (

    select

        ---------- direct identifiers
        simulant_id as person_id,

        ---------- quasi-identifiers
        cast(
            {{ veil.typed('year', 'integer') }}
            - year({{ veil.typed('date_of_birth', 'date') }}) as integer
        ) as age,
        sex,
        race_ethnicity,

        ---------- facts
        {{ veil.typed('year', 'integer') }} as enrolment_year

    from source

)

select * from typed
