select
    chart_no,
    drawn_on,
    cast(age as integer) as age,
    cast(zip as varchar) as zip,
    analyte,
    cast(result as decimal(8, 2)) as result
from {{ source('lab', 'lab_results') }}
