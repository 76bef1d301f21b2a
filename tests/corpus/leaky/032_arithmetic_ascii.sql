-- mechanism: arithmetic
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> substr() -> ascii() -> code
-- also: personal_rows
select ascii(substr(person_key, 14, 1)) * 256 + unicode(substr(person_key, 15, 1)) as code
from {{ ref('psn_people') }}
