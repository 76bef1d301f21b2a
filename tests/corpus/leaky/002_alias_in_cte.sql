-- mechanism: alias
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
with people as (
    select person_key as k
    from {{ ref('psn_people') }}
)
select k as code
from people
