-- mechanism: two_readings
-- rule: pseudonym
-- column: a
-- path: psn_people.person_key -> a
-- also: personal_rows
with c as (
    select region as a, person_key as a
    from {{ ref('psn_people') }}
)
select a_1 as a
from c
