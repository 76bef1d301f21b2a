-- mechanism: unknown_function
-- rule: unknown_function
-- column: x
-- also: personal_rows
-- runs: no
select my_aggregate(income) as x from {{ ref('psn_people') }} group by region
