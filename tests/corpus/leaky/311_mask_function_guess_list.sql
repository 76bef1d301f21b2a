-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- layer: pseudonymized
-- runs: no
select veil_pseudonym(cast(c.code as varchar), 'person', 'ssn') as x
from {{ ref('dim_codes') }} as c
