-- mechanism: star_through_levels
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
-- also: personal_rows
with a as (
    select *
    from {{ ref('psn_people') }}
), b as (
    select *
    from a
), c as (
    select *
    from b
)
select * exclude (household_key)
from c
