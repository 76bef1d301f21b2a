select
    visits.chapter,
    patients.area,
    patients.sex,
    {{ veil.suppress_small('count(distinct visits.patient_key)') }} as patient_count,
    {{ veil.suppress_small('cast(round(avg(visits.cost_usd)) as bigint)') }} as cost_mean
from {{ ref('deid_visits') }} as visits
inner join {{ ref('deid_patients') }} as patients
    on visits.patient_key = patients.patient_key
group by visits.chapter, patients.area, patients.sex
