-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- also: direct_identifier layer personal_rows
-- runs: no
select veil_pseudonym(ssn, 'person', 'ssn') as x from {{ ref('raw_people') }}
