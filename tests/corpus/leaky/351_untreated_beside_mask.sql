-- mechanism: untreated
-- rule: direct_identifier
-- column: code
-- path: raw_people.full_name -> || -> code
-- layer: pseudonymized
-- runs: no
select veil_pseudonym(cast(ssn as varchar), 'person', 'ssn') || full_name as code
from {{ ref('raw_people') }}
