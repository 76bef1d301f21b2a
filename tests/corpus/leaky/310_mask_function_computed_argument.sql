-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- also: direct_identifier
-- layer: pseudonymized
-- runs: no
select veil_pseudonym(left(ssn, 9), 'person', 'ssn') as x from {{ ref('raw_people') }}
