-- mechanism: arithmetic
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> substr() -> strpos() -> code
-- also: personal_rows
select strpos('abcdefghijklmnopqrstuvwxyz234567', substr(person_key, 20, 1)) as code
from {{ ref('psn_people') }}
