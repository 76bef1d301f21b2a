with

visits as (

    select
        psn_visits.person_key,
        psn_visits.day,
        seed_regions.region_group
    from {{ ref('psn_visits') }} as psn_visits
    inner join {{ ref('seed_regions') }} as seed_regions
        on psn_visits.region = seed_regions.region

)

{{ veil.dp_aggregate('visits') }}
