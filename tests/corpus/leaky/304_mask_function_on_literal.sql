-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- runs: no
select veil_pseudonym('123-45-6789', 'person', 'ssn') as x
