-- mechanism: cte_shadowing
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> code
-- also: layer personal_rows
with a as (
    select ssn as code
    from {{ ref('raw_people') }}
), b as (
    with c as (
        select *
        from a
    )
    select *
    from c
)
select code
from b
