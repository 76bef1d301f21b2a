select
    ward,
    age_band,
    {{ veil.suppress_small('count(distinct patient_key)') }} as patient_count
from {{ ref('deid_visits') }}
group by ward, age_band
