-- mechanism: guess_list
-- rule: identifier_steers
-- path: psn_people.person_key
-- also: pseudonym steered_rows
select c.label
from {{ ref('dim_codes') }} as c
where c.code in (
    select p.person_key
    from {{ ref('psn_people') }} as p
)
