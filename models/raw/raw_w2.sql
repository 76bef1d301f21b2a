with

source as (

    select * from {{
        source('sample', 'w2') if env_var('VEIL_DATA', 'seeds') == 'full'
        else ref('seed_w2')
    }}

),

typed as (

    select

        ---------- direct identifiers
        simulant_id as person_id,
        ssn,

        ---------- quasi-identifiers
        {{ veil.typed('age', 'integer') }} as age,
        employer_id,
        tax_form,

        ---------- facts
        {{ veil.typed('tax_year', 'integer') }} as tax_year,
        {{ veil.typed('wages', 'bigint') }} as wages

    from source

)

select * from typed
