with

jobs as (

    select * from {{ ref('psn_earnings') }}

)

{{ veil.dp_aggregate('jobs') }}
