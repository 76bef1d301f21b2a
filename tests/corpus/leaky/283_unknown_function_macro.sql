-- mechanism: unknown_function
-- rule: unknown_function
-- column: x
-- also: personal_rows
-- runs: no
select clean_name(region) as x from {{ ref('psn_people') }}
