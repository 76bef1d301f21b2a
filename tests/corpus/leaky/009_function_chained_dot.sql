-- mechanism: function
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> upper() -> reverse() -> code
-- also: personal_rows
select p.person_key.upper().reverse() as code from {{ ref('psn_people') }} as p
