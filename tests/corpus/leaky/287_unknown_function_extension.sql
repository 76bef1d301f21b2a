-- mechanism: unknown_function
-- rule: unknown_function
-- column: x
-- runs: no
select spatial_secret(label) as x from {{ ref('dim_codes') }}
