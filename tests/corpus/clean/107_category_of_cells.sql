-- shows: category of cells
with c as (
    select product_code, case when count(distinct person_key) >= 11 then sum(amount) end s
    from {{ ref('psn_orders') }}
    group by product_code
)
select d.category, sum(c.s) s, max(c.s) m, count(*) k
from c
join {{ ref('dim_products') }} d using (product_code)
group by d.category
