with

source as (

    select * from {{ ref('seed_visits') }}

),

typed as (

    select

        ---------- direct identifiers
        person_id,

        ---------- quasi-identifiers
        cast({{ veil.typed('visited_at', 'timestamp') }} as date) as day,  -- noqa: RF04
        region,

        ---------- facts
        treatment,
        {{ veil.typed('minutes', 'integer') }} as minutes,
        {{ veil.typed('cost', 'decimal(9,2)') }} as cost  -- noqa: RF04

    from source

)

select * from typed
