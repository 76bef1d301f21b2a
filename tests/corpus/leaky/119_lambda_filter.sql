-- mechanism: lambda
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> substr() -> ascii() -> len() -> code
-- also: personal_rows
select len(list_filter([1, 2, 3], x -> x < ascii(person_key.substr(15, 1)))) as code
from {{ ref('psn_people') }}
