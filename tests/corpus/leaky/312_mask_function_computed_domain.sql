-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- also: direct_identifier
-- layer: pseudonymized
-- runs: no
select veil_pseudonym(cast(ssn as varchar), city, 'ssn') as x from {{ ref('raw_people') }}
