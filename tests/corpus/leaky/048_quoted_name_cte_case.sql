-- mechanism: quoted_name
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
with "People" as (
    select "Person_Key" as "The Key"
    from {{ ref('psn_people') }}
)
select "the key" as code
from PEOPLE
