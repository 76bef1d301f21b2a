-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- runs: no
select veil_pseudonym(cast(i as varchar), 'person', 'ssn') as x from range(1000000000) as r(i)
