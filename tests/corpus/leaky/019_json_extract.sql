-- mechanism: json
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> json_object() -> code
-- also: personal_rows
with packed as (
    select json_object('a', person_key) as j
    from {{ ref('psn_people') }}
)
select j ->> '$.a' as code
from packed
