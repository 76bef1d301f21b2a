-- mechanism: struct
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
with s as (
    select {'id': person_key, 'sex': sex} as who
    from {{ ref('psn_people') }}
)
select who.id as code
from s
