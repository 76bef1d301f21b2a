-- mechanism: star
-- rule: pseudonym
-- column: code
-- path: psn_orders.person_key -> code
-- also: personal_rows
with j as (
    select p.person_key, o.person_key, o.channel
    from {{ ref('psn_people') }} as p
    join {{ ref('psn_orders') }} as o on p.person_key = o.person_key
)
select person_key_1 as code
from j
