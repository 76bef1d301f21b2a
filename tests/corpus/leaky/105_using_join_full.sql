-- mechanism: using_join
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
-- also: personal_rows
select person_key
from (
    select person_key
    from {{ ref('psn_people') }}
)
full join (
    select person_key
    from {{ ref('psn_jobs') }}
) using (person_key)
