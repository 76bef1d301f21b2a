-- mechanism: using_join
-- rule: pseudonym
-- column: person_key
-- path: psn_visits.person_key -> person_key
-- also: personal_rows
select *
from (
    select person_key, ward
    from {{ ref('psn_visits') }}
)
join (
    select person_key, sex
    from {{ ref('psn_people') }}
) using (person_key)
