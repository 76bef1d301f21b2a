-- mechanism: unknown_function
-- rule: unknown_column
-- column: x
-- also: personal_rows pseudonym unknown_function
-- runs: no
select main.my_macro(region) as x from {{ ref('psn_people') }}
