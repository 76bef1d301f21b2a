-- mechanism: guess_list
-- rule: identifier_steers
-- path: psn_people.person_key
-- also: personal_rows pseudonym
select code, label
from (
    select person_key as code
    from {{ ref('psn_people') }}
)
join {{ ref('dim_codes') }} using (code)
