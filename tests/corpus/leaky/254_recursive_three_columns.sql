-- mechanism: recursive
-- rule: pseudonym
-- column: a
-- path: psn_people.person_key -> a
-- also: personal_rows
with recursive r(a, b, c, n) as (
    select 'x', 'y', person_key, 1
    from {{ ref('psn_people') }}
    union all
    select b, c, 'z', n + 1
    from r
    where n < 4
)
select a
from r
