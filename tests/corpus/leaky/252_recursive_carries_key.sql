-- mechanism: recursive
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
with recursive r(code, n) as (
    select person_key, 1
    from {{ ref('psn_people') }}
    union all
    select code, n + 1
    from r
    where n < 3
)
select code
from r
