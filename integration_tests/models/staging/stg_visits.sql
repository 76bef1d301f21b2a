select
    chart_no,
    {{ veil.typed('arrived_at', 'timestamp') }} as arrived_at,
    {{ veil.typed('age', 'integer') }} as age,
    ward,
    diagnosis,
    {{ veil.typed('cost_usd', 'integer') }} as cost_usd
from {{ source('records', 'visits') }}
