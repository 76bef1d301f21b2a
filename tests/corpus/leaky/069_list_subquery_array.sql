-- mechanism: list
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> array() -> code
-- also: personal_rows
select region, array(
    select p.person_key
    from {{ ref('psn_people') }} as p
) as code
from {{ ref('dim_regions') }}
