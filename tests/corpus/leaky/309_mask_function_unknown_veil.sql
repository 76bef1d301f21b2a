-- mechanism: mask_function
-- rule: mask_function
-- column: x
-- also: personal_rows pseudonym
-- runs: no
select veil_reidentify(person_key) as x from {{ ref('psn_people') }}
