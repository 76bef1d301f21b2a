-- mechanism: star_through_levels
-- rule: pseudonym
-- column: person_key
-- path: psn_people.person_key -> person_key
-- also: personal_rows
from (from (from {{ ref('psn_people') }}))
