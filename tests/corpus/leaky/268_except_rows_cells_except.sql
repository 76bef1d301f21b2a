-- mechanism: except_rows
-- rule: personal_rows
-- column: region
-- path: psn_people.region -> region
select region
from (
    select region, case when count(distinct person_key) >= 11 then 1 end as n
    from {{ ref('psn_people') }}
    group by region
)
except all
select region
from {{ ref('psn_people') }}
