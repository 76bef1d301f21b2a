-- mechanism: file_reader
-- rule: table_function
-- runs: no
select d.region, f.ssn
from {{ ref('dim_regions') }} as d
join read_parquet('people.parquet') as f on f.region = d.region
