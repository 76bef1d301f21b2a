-- mechanism: file_reader
-- rule: refused_function
-- column: x
-- runs: no
select read_blob('warehouse/identified.duckdb') as x from {{ ref('dim_regions') }}
