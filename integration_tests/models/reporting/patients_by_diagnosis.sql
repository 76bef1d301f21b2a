with

visits as (

    select * from {{ ref('deid_visits') }}

)

{{ veil.dp_aggregate('visits') }}
