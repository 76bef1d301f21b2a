select
    chart_no,
    {{ veil.typed('drawn_on', 'date') }} as drawn_on,
    {{ veil.typed('age', 'integer') }} as age,
    zip,
    analyte,
    {{ veil.typed('result', 'decimal(8, 2)') }} as result
from {{ source('lab', 'lab_results') }}
