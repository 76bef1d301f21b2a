-- shows: the same with USING
select
    age_band,
    channel,
    case when count(distinct person_key) >= 11 then count(distinct person_key) end as buyers
from {{ ref('psn_people') }}
inner join {{ ref('psn_orders') }} using (person_key)
group by age_band, channel
