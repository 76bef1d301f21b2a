with

source as (

    select * from {{
        source('sample', 'social_security') if env_var('VEIL_DATA', 'seeds') == 'full'
        else ref('seed_social_security')
    }}

),

typed as (

    select

        ---------- direct identifiers
        ssn,
        first_name || ' ' || last_name as full_name,

        ---------- quasi-identifiers
        {{ veil.typed('date_of_birth', 'date') }} as date_of_birth,
        sex,

        ---------- facts
        event_type,
        {{ veil.typed('event_date', 'date') }} as event_on

    from source

)

select * from typed
