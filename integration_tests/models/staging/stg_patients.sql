select
    chart_no,
    {{ veil.typed('born_on', 'date') }} as born_on,
    sex,
    zip,
    e_mail
from {{ source('records', 'patients') }}
