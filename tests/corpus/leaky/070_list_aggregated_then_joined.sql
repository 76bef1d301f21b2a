-- mechanism: list
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> list() -> list_aggregate() -> code
-- also: personal_rows unguarded_aggregate
with l as (
    select region, list(person_key) as ks
    from {{ ref('psn_people') }}
    group by region
)
select region, list_aggregate(ks, 'min') as code
from l
