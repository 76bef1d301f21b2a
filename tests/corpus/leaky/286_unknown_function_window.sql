-- mechanism: unknown_function
-- rule: unknown_function
-- column: x
-- also: personal_rows pseudonym
-- runs: no
select my_window(income) over (order by age) as x from {{ ref('psn_people') }}
