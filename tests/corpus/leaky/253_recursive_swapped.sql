-- mechanism: recursive
-- rule: pseudonym
-- column: a
-- path: psn_people.person_key -> a
-- also: personal_rows
with recursive r(a, b, n) as (
    select 'x', person_key, 1
    from {{ ref('psn_people') }}
    union all
    select b, a, n + 1
    from r
    where n < 2
)
select a
from r
