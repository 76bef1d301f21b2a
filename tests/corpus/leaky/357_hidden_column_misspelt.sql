-- mechanism: hidden_column
-- rule: unknown_column
-- column: code
-- also: personal_rows pseudonym
-- runs: no
select p.persn_key as code from {{ ref('psn_people') }} as p
