-- Pseudonyms of two linkage domains share nothing, so no person's key is a household's.
select count(*) as meetings
from {{ ref('psn_census') }} as people
inner join {{ ref('psn_census') }} as households
    on people.person_key = households.household_key
having count(*) > 0
