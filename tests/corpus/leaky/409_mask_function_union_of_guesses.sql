-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- also: direct_identifier
-- layer: pseudonymized
-- runs: no
with g as (
    select ssn
    from {{ ref('raw_people') }}
    union all
    select cast(i as varchar)
    from range(1000) as r(i)
)
select veil_pseudonym(cast(g.ssn as varchar), 'person', 'ssn') as x
from g
