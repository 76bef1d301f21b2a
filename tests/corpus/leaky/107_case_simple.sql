-- mechanism: case
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> case -> code
-- also: personal_rows
select case person_key when 'p1_a' then 'boss' when 'p1_b' then 'clerk' end as code
from {{ ref('psn_people') }}
