-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- runs: no
select g.ssn, veil_pseudonym(g.ssn, 'person', 'ssn') as x
from (values ('123-45-6789')) as g(ssn)
