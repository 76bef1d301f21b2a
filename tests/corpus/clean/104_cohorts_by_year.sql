-- shows: cohorts by year
with f as (
    select person_key, min(order_year) as cohort
    from {{ ref('psn_orders') }}
    group by person_key
)
select f.cohort, o.order_year - f.cohort as years_since, case when count(distinct o.person_key) >= 11 then count(distinct o.person_key) end as buyers
from f
join {{ ref('psn_orders') }} o on f.person_key = o.person_key
group by f.cohort, years_since
