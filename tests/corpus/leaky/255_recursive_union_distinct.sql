-- mechanism: recursive
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> code
-- also: layer personal_rows
with recursive r as (
    select ssn as code
    from {{ ref('raw_people') }}
    union
    select upper(code)
    from r
)
select code
from r
