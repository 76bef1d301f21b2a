-- mechanism: cte_shadowing
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select dim_codes.person_key as code from {{ ref('psn_people') }} as dim_codes
