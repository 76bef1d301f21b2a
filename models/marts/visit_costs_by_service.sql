with

visits as (

    select * from {{ ref('psn_visits') }}

)

{{ veil.dp_aggregate('visits') }}
