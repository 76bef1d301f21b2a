-- mechanism: untreated
-- rule: direct_identifier
-- column: email
-- path: raw_people.email -> email
-- layer: pseudonymized
-- runs: no
select email, veil_pseudonym(cast(ssn as varchar), 'person', 'ssn') as person_key
from {{ ref('raw_people') }}
