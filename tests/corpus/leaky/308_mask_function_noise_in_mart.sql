-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- also: personal_rows pseudonym
-- runs: no
select income + veil_noise(person_key, 'person', 'ssn', 'x', 1.0) as x
from {{ ref('psn_people') }}
