-- mechanism: cte_shadowing
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
with x as (
    select label as code
    from {{ ref('dim_codes') }}
)
select code
from (
    with x as (
        select person_key as code
        from {{ ref('psn_people') }}
    )
    select *
    from x
)
union all
select code
from x
where false
