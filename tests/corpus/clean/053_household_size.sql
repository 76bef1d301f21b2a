-- shows: household size as a column of the grain
with households as (

    select
        household_key,
        count(distinct person_key) as size,
        count(*) filter (where age < 18) > 0 as has_children
    from {{ ref('psn_people') }}
    group by household_key

)

select
    least(households.size, 5) as household_size,
    households.has_children,
    case
        when count(distinct p.person_key) >= 11 and count(distinct p.household_key) >= 11
            then count(distinct p.household_key)
    end as household_count
from {{ ref('psn_people') }} as p
inner join households using (household_key)
group by all
