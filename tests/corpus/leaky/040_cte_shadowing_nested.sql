-- mechanism: cte_shadowing
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
with cells as (
    select 'x' as code
)
select *
from (
    with cells as (
        select person_key as code
        from {{ ref('psn_people') }}
    )
    select code
    from cells
) as inner_cells
